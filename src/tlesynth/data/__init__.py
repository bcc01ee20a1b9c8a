"""Cohorts: simulated, read from BIDS, preprocessed onto the grid, split."""
