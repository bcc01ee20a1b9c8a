"""The diffusion transformer: network, noise and training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tlesynth.recipe.section import Count, CountOrZero, Fraction, Positive, Section, Triple


class DiffusionNetwork(Section):
    """DiT-3D (paper, section 5.2)."""

    patch: Triple = (4, 2, 4)
    depth: Count = 12
    width: Count = 384
    heads: Count = 6
    mlp_ratio: Positive = 4.0
    classes: Literal["group", "group-side"] = "group"
    """``group``: hc, tle. ``group-side``: hc, tle-left, tle-right."""
    class_dropout: Fraction = 0.1
    baseline: Literal["none", "voxelwise"] = "none"
    """``voxelwise``: the network corrects the exact denoiser of voxel-by-voxel Gaussian latents (v_prediction only)."""

    @model_validator(mode="after")
    def _heads_divide(self) -> DiffusionNetwork:
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} must divide width {self.width}")
        if self.width % 6:
            raise ValueError(f"width {self.width} must be divisible by 6 (a sine and a cosine for each of three axes)")
        return self


class Noise(Section):
    """The forward process (paper, equations 6 and 7)."""

    timesteps: Annotated[int, Field(ge=10, le=10_000)] = 1000
    schedule: Literal["linear", "scaled_linear"] = "linear"
    beta_start: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    beta_end: Annotated[float, Field(gt=0, lt=1)] = 2e-2
    prediction: Literal["epsilon", "v_prediction"] = "epsilon"

    @model_validator(mode="after")
    def _betas_rise(self) -> Noise:
        if self.beta_start >= self.beta_end:
            raise ValueError(f"beta_start {self.beta_start} must be below beta_end {self.beta_end}")
        return self


class Diffusion(Section):
    """Training of the latent diffusion model (paper, section 5.2)."""

    network: DiffusionNetwork = DiffusionNetwork()
    noise: Noise = Noise()
    epochs: Count = 10_000
    steps: CountOrZero = 0
    """Above 0, wins over epochs."""
    batch_size: Count = 16
    learning_rate: Positive = 1e-4
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.9999
    flip: bool = False
    """Also train on the mirrored scans, with left and right TLE swapped."""
    latents: Literal["mean", "resample"] = "mean"
    """``mean``: the posterior's mean. ``resample``: a new draw from the posterior at each step, whose noise puts a
    floor under the loss."""
    accept_failed_gate: bool = False
    """Train even on the latents of an autoencoder that failed its quality gate."""
    gradient_clip: Positive = 1.0
    validate_every: Count = 1000
    checkpoint_every: Count = 1000

    @model_validator(mode="after")
    def _baseline_fits(self) -> Diffusion:
        if self.network.baseline == "voxelwise" and self.noise.prediction != "v_prediction":
            raise ValueError("network.baseline voxelwise needs noise.prediction v_prediction")
        return self
