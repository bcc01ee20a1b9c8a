"""The synthetic cohort and what is measured of it: sampling, tuning, evaluation."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tlesynth.recipe.inference import Inference
from tlesynth.recipe.section import Count, Fraction, Section
from tlesynth.recipe.verdict import Verdict


class Sampling(Section):
    """How latents are drawn."""

    sampler: Literal["ddpm", "ddim", "dpm++", "euler", "heun"] = "ddpm"
    """``euler`` and ``heun`` solve a flow's equation; ``dpm++`` (DPM-Solver++ 2M, arXiv 2211.01095) both; the others
    a diffusion's."""
    steps: Count = 1000
    guidance: Annotated[float, Field(ge=0, le=20)] = 1.0
    """Classifier-free guidance scale; 1 is plain conditional sampling (the paper names none)."""
    guidance_interval: tuple[Fraction, Fraction] = (0.0, 1.0)
    """Noise times, from clean (0) to pure noise (1), at which guidance acts (arXiv 2404.07724)."""
    tuned: bool = False
    """Sample with the steps and the guidance that ``tune`` chose for the model, where it did."""


class Usage(Section):
    """How a trained model is to be used, as it carries it."""

    sampling: Sampling = Sampling()
    inference: Inference = Inference()


class Sample(Sampling):
    """The synthetic cohort."""

    n_hc: Count = 500
    n_tle: Count = 500
    batch_size: Count = 4
    film_frames: Annotated[int, Field(ge=2, le=50)] = 6
    """Moments of the reverse process kept for Figure 7."""

    @property
    def sampling(self) -> Sampling:
        """How its latents are drawn, whoever is asked for."""
        return Sampling(**self.model_dump(include=set(Sampling.model_fields)))


class Tune(Section):
    """What ``tune`` tries: every number of steps with every guidance scale."""

    n: Annotated[int, Field(ge=8, le=10_000)] = 48
    """Subjects drawn for each pair, two and two with the conditions of a validation scan."""
    steps: Annotated[tuple[Count, ...], Field(min_length=1)] = (10, 20, 30, 50)
    guidance: Annotated[tuple[Annotated[float, Field(ge=0, le=20)], ...], Field(min_length=1)] = (1.0, 1.5, 2.0, 3.0)


class Measures(Section):
    """How the real and the synthetic cohort are measured."""

    bootstrap: Annotated[int, Field(ge=100, le=100_000)] = 2000
    diversity_pairs: Count = 1000
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    equivalence_margin: Annotated[float, Field(gt=0, le=2)] = 0.3
    """Largest difference of two effect sizes that counts as none (Cohen's d)."""


class Evaluation(Measures):
    """What is measured, and what the verdict asks of it."""

    verdict: Verdict = Verdict()

    @model_validator(mode="after")
    def _margins_in_order(self) -> Self:
        if self.equivalence_margin > self.verdict.effect_difference:
            raise ValueError(
                f"equivalence_margin {self.equivalence_margin:g} is more than verdict.effect_difference "
                f"{self.verdict.effect_difference:g}: what is red could be green"
            )
        return self

    @property
    def measured(self) -> Measures:
        """What decides the figures; the verdict's limits, left out, can change without measuring anew."""
        return Measures(**self.model_dump(include=set(Measures.model_fields)))
