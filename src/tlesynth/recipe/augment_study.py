"""Does it help? What ``augment-study`` compares, and what it declares before it looks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tlesynth.recipe.augmentation import Augmentation
from tlesynth.recipe.section import Count, CountOrZero, NonNegative, Section
from tlesynth.recipe.sharing import Sharing

Control = Literal["classical", "duplicated", "reconstructed", "synthetic", "shuffled", "permuted", "more-real"]
Ratio = Annotated[float, Field(gt=0, le=100)]
CLASSICAL = Augmentation(
    flip=True,
    affine_share=0.5,
    rotation_deg=10.0,
    scale=0.1,
    shift_mm=5.0,
    gain=0.1,
    gamma=0.2,
    bias_field=0.2,
    noise=0.03,
)
"""Everything that is usual; a rival that is weaker than others use would be too easy to beat."""


class AugmentStudy(Section):
    """Arms x seeds x splits, and the one comparison that decides; the plan written from it cannot be changed later."""

    classifiers: tuple[Literal["efficientnet", "cnn3d", "volumes"], ...] = ()
    """Kinds to train, the first of which decides; none named: the kind of the recipe's classifier, and ``volumes``, the
    bar that every network must clear."""
    ratios: Annotated[tuple[Ratio, ...], Field(min_length=1)] = (0.25, 0.5, 1.0, 2.0)
    """Synthetic scans per real training scan; validation chooses one of them for each split."""
    controls: tuple[Control, ...] = (
        "classical",
        "duplicated",
        "reconstructed",
        "synthetic",
        "shuffled",
        "more-real",
    )
    """Arms beside ``real`` and the ratios."""
    rival: Literal["classical", "real"] = "classical"
    """What real + synthetic has to beat: the primary comparison."""
    learning_curve: tuple[Count, ...] = (50, 100, 200, 400, 800)
    """Numbers of real training scans; those that the training set does not reach are left out."""
    seeds: Count = 5
    splits: Count = 5
    judges: Literal["resampled", "fixed"] = "resampled"
    """``resampled``: each split deals val and test out anew among both; ``fixed``: the run's own val and test."""
    site_seeds: CountOrZero = 1
    """Seeds of the leave-one-site-out trainings; 0 makes none."""
    steps: CountOrZero = 0
    """Gradient steps of every training; 0 takes the classifier's, counted on the real training scans."""
    classical: Augmentation = CLASSICAL
    """How the arm ``classical`` varies the real scans, and no other arm does."""
    smallest_gain: Annotated[float, Field(gt=0, lt=0.5)] = 0.02
    """The smallest gain in AUC that would be worth having."""
    power: Annotated[float, Field(gt=0.5, lt=1)] = 0.8
    least_in_subgroup: Annotated[int, Field(ge=3, le=1000)] = 5
    """Test scans of each class below which a subgroup is not judged."""
    jobs: CountOrZero = 1
    """Trainings side by side; 0: one a core."""
    job_seconds: NonNegative = 0.0
    """A training that takes longer is given up; 0: no limit."""
    sharing: Sharing = Sharing()

    @model_validator(mode="after")
    def _rival_is_trained(self) -> AugmentStudy:
        if self.rival == "classical" and "classical" not in self.controls:
            raise ValueError("the rival is classical, which is not among controls: add it, or set rival: real")
        for name in ("ratios", "controls", "classifiers", "learning_curve"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name} names something twice")
        return self
