"""The quality gate: held-out scans examined, figures with intervals, a verdict that travels with the model."""
