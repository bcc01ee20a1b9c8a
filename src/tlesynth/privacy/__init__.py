"""Are synthetic scans copies of training scans? Likeness, a calibrated detector, planted controls, the gate."""
