"""Drawing scans: whom to draw, conditions and a seed to latents to volumes, written as a BIDS cohort or a film."""
