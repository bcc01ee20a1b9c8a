"""Does adding synthetic scans help a TLE classifier? Arms x seeds x splits, and the ledger of what came of them."""
