"""TLE against healthy controls on coronal slices, trained with and without synthetic scans (paper, section 5.3)."""
