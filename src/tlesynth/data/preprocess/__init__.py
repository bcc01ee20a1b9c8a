"""From native scans to volumes on the grid: ``preparation`` is one scan's way, ``run`` that of a whole cohort."""
