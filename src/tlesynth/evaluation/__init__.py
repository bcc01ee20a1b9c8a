"""What the cohorts show: realism, anatomy, diversity, and use to a classifier."""
