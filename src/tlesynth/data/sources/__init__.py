"""Where cohorts come from: BIDS folders and their tables."""
