"""Limits of the traffic lights that sum up an evaluation."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tlesynth.recipe.section import Fraction, Positive, Section

HalfAtMost = Annotated[float, Field(gt=0, lt=0.5)]
Mixture = Literal["real+0.25", "real+0.5", "synthetic"]


class Verdict(Section):
    """What a figure may be for its light to be green; ``docs/metrics.md`` says how its interval decides.

    Copies have their limit in ``privacy.most_copies``, effects their margin in ``evaluation.equivalence_margin``.
    """

    least_scans: Annotated[int, Field(ge=3, le=10_000)] = 10
    """A set of fewer scans gives no light: intervals of so few are not to be trusted."""
    hippocampus_bias: Positive = 2.0
    """What the autoencoder may do to hippocampal volumes on average, percent, either way."""
    distance_ratio: Annotated[float, Field(ge=1, le=1000)] = 3.0
    """Frechet distances and KID, in times their floor, at most."""
    coverage: Fraction = 0.6
    """Coverage of real heads, in times that of real training scans, at least."""
    similarity: HalfAtMost = 0.03
    """Difference of mean MS-SSIM within a class, synthetic minus real, either way."""
    deviation_ratio: tuple[Positive, Positive] = (0.8, 1.25)
    """Standard deviation of hippocampal volumes, synthetic over real."""
    effect_difference: Positive = 0.5
    """Difference of effect sizes beyond which the light is red; within the equivalence margin it is green."""
    asymmetric_patients: HalfAtMost = 0.2
    """Difference of the shares of asymmetric patients, synthetic minus real, either way."""
    side_auc: Fraction = 0.6
    """How well the asked side tells measured asymmetries apart (AUC), at least."""
    side_auc_lost: HalfAtMost = 0.15
    """How far that may lie below the AUC of real patients."""
    classifier_auc: HalfAtMost = 0.07
    """AUC of the real-only classifier, on synthetic minus on real test scans, either way."""
    planted_recall: Fraction = 0.8
    """Share of plain planted copies that the detector finds, at least; all of 20 planted ones show 0.83."""
    nearer_to_training: Fraction = 0.55
    """Share of synthetic scans that lie nearer to training than to held-out scans, at most."""
    membership_auc: Annotated[float, Field(ge=0.5, le=1)] = 0.6
    """How well a model's errors tell its training scans from others (AUC), at most."""
    membership_caught: Fraction = 0.03
    """Share of training scans told at 1 % of false alarms, at most."""
    mixture: Mixture = "real+0.25"
    """The training set whose gain counts where no augmentation study was made, named before test is opened."""
    site_loss: HalfAtMost = 0.05
    """What synthetic scans may take from the AUC at a site that the augmentation study held out."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, high = self.deviation_ratio
        if not low < 1 < high:
            raise ValueError("deviation_ratio must be a number below 1 and one above it")
        return self
