"""The blinded reader study: can people tell synthetic from real scans? Made, audited, scored; torch is never loaded."""
