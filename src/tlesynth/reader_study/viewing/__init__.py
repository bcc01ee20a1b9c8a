"""The server of ``tlesynth view``: a cohort as a gallery, two of its volumes side by side, the film of a sample."""
