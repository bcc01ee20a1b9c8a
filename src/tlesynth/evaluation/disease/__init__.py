"""Does the synthetic cohort carry the disease: as large, as one-sided, as varied and where it is in real patients?"""

from tlesynth.evaluation.disease.maps import write_maps
from tlesynth.evaluation.disease.section import disease

__all__ = ["disease", "write_maps"]
