"""What a trained autoencoder must reach on held-out scans before a diffusion model is trained on its latents."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tlesynth.recipe.section import Count, Fraction, NonNegative, Section


class Gate(Section):
    """Limits of the means over held-out (val) scans; null switches one off. The defaults are for full training.

    The estimate is judged, however few scans there are; its interval stands beside it, and the page says where it
    reaches across the limit.
    """

    l1: Annotated[float, Field(gt=0, le=1)] | None = 0.06
    """Mean absolute error inside the brain on [0, 1], at most (the paper prints 0.058 without saying where)."""
    psnr: Annotated[float, Field(gt=0, le=100)] | None = 25.0
    """PSNR of the whole volume in dB, at least."""
    hippocampus_l1: Annotated[float, Field(gt=0, le=1)] | None = None
    """Mean absolute error inside the hippocampal region, at most."""
    hippocampus_bias: Fraction | None = 0.02
    """Mean relative error of the hippocampal volume, at most, whatever its sign."""
    hippocampus_agreement: Fraction | None = 0.06
    """1.96 standard deviations of that error over hippocampi (half the width of the limits of agreement), at most."""
    dead_channels: Annotated[int, Field(ge=0, le=16)] | None = 0
    """Latent channels that carry nothing, at most."""
    posterior_noise: Fraction | None = 0.3
    """Share of the posterior's noise in the variance of the latents, at most (27.5 % was measured for MAISI)."""
    grid_artefact_db: NonNegative | None = 3.0
    """Trace of the decoder's grid, dB, on the worst axis, at most: waves of 2 or 4 voxels in the error, or blocks."""
    scans: Count = 200
    """Held-out scans that are examined at most, the first by identifier; another number examines anew."""
