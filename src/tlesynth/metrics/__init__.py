"""Pure functions that measure volumes and how sure a figure is: for the quality gate and the evaluation alike."""
