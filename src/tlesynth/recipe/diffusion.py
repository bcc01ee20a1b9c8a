"""The diffusion transformer: network, noise and training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tlesynth.recipe.conditions import Category, Quantity
from tlesynth.recipe.section import Count, CountOrZero, Fraction, NonNegative, Positive, Section, Triple


class Windows(Section):
    """Attention within boxes of tokens, in the blocks named; the others attend globally."""

    size: Triple = (4, 4, 4)
    """Tokens a side; a grid it does not divide is padded, and what was padded is never attended to."""
    blocks: tuple[CountOrZero, ...] = ()
    """From 0; DiT-3D names 0, 3, 6 and 9."""
    shifted: bool = False
    """Every second of these blocks moves its boxes by half a side."""


class DiffusionNetwork(Section):
    """DiT-3D (paper, section 5.2)."""

    patch: Triple = (4, 2, 4)
    depth: Count = 12
    width: Count = 384
    heads: Count = 6
    mlp_ratio: Positive = 4.0
    conditioning: Literal["token", "adaln", "both"] = "token"
    """How conditions enter: a token each behind the patch tokens (the paper), added to the timestep's code, or both."""
    qk_norm: bool = False
    """Queries and keys of unit root mean square, each with a learned gain (arXiv 2302.05442): steady at high rates."""
    windows: Windows = Windows()
    baseline: Literal["none", "voxelwise", "conditional", "textured"] = "none"
    """``voxelwise``: the network corrects the exact denoiser of voxel-by-voxel Gaussian latents (not with epsilon).
    ``conditional``: of Gaussian latents whose mean moves with the conditions, as it does on average in training.
    ``textured``: of such latents that also have a texture, which the noise, no longer white, has too (flow only)."""

    @model_validator(mode="after")
    def _heads_divide(self) -> DiffusionNetwork:
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} must divide width {self.width}")
        if self.width % 6:
            raise ValueError(f"width {self.width} must be divisible by 6 (a sine and a cosine for each of three axes)")
        if beyond := [block for block in self.windows.blocks if block >= self.depth]:
            raise ValueError(
                f"windows.blocks names block {beyond[0]}, but the last of {self.depth} is {self.depth - 1}"
            )
        return self


class Noise(Section):
    """How latents are noised, and what the network predicts of it."""

    process: Literal["diffusion", "flow"] = "diffusion"
    """``diffusion``: z_t = sqrt(alpha_bar) z_0 + sqrt(1 - alpha_bar) eps (paper, equations 6 and 7). ``flow``: the
    straight line z_t = (1 - t) z_0 + t eps of rectified flow (arXiv 2209.03003), whose network predicts eps - z_0."""
    draw: Literal["uniform", "stratified", "logit_normal"] = "uniform"
    """How timesteps are drawn in training. ``stratified``: one in each equal part of a batch (low discrepancy).
    ``logit_normal``: t = sigmoid(n), n ~ N(0, 1), stratified too (arXiv 2403.03206)."""
    timesteps: Annotated[int, Field(ge=10, le=10_000)] = 1000
    schedule: Literal["linear", "scaled_linear"] = "linear"
    beta_start: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    beta_end: Annotated[float, Field(gt=0, lt=1)] = 2e-2
    prediction: Literal["epsilon", "v_prediction"] = "epsilon"

    @property
    def predicts(self) -> str:
        """What the network predicts: epsilon, v_prediction, or the flow's velocity."""
        return "flow" if self.process == "flow" else self.prediction

    @model_validator(mode="after")
    def _betas_rise(self) -> Noise:
        if self.beta_start >= self.beta_end:
            raise ValueError(f"beta_start {self.beta_start} must be below beta_end {self.beta_end}")
        return self


INDEX_COLUMNS = ("row", "participant_id", "split")
"""Columns of the table of latents that no condition may be called by."""


FREE = ("accept_failed_gate", "checkpoints_kept", "milestone_every")
"""Settings of the diffusion model's training that no weight depends on."""


class CopyWatch(Section):
    """Samples drawn at each validation and compared with the training scans: does the model begin to copy?"""

    samples: CountOrZero = 8
    """0 draws none."""
    steps: Count = 10


class Diffusion(Section):
    """Training of the latent diffusion model (paper, section 5.2)."""

    network: DiffusionNetwork = DiffusionNetwork()
    noise: Noise = Noise()
    conditions: dict[str, Category | Quantity] = {"group": Category(values=("hc", "tle"))}
    """By column of participants.tsv; a missing value is the null value."""
    unconditional: Fraction = 0.1
    """Share of training scans that are told nothing at all (the paper's class dropout embedding), for guidance."""
    balanced: bool = False
    """Draw every value of the first condition equally often."""
    epochs: Count = 10_000
    steps: CountOrZero = 0
    """Above 0, wins over epochs."""
    batch_size: Count = 16
    optimizer: Literal["adam", "adamw", "muon"] = "adam"
    learning_rate: Positive = 1e-4
    weight_decay: NonNegative = 0.0
    decay: Literal["constant", "cosine"] = "constant"
    warmup_steps: CountOrZero = 0
    """Of ``cosine``: a linear rise before its decay."""
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
    checkpoints_kept: Count = 2
    """Of the numbered checkpoints, the newest so many stay while it trains."""
    milestone_every: CountOrZero = 100
    """At every so manieth checkpoint the averaged weights are published, as a model of their own; 0: never."""
    patience: CountOrZero = 0
    """Validations without a better one after which training ends; 0 takes every step."""
    copy_watch: CopyWatch = CopyWatch()

    @property
    def decisive(self) -> Diffusion:
        """These settings with what no weight depends on at its defaults: it may change from one call to the next."""
        return self.model_copy(update={name: type(self).model_fields[name].get_default() for name in FREE})

    @model_validator(mode="after")
    def _baseline_fits(self) -> Diffusion:
        if self.network.baseline == "textured" and self.noise.process != "flow":
            raise ValueError(
                "network.baseline textured needs noise.process flow: a diffusion's sampler adds white noise"
            )
        if (baseline := self.network.baseline) != "none" and self.noise.predicts == "epsilon":
            raise ValueError(f"network.baseline {baseline} needs noise.prediction v_prediction, or noise.process flow")
        if not self.conditions:
            raise ValueError("conditions are empty: name at least one column")
        if taken := [name for name in INDEX_COLUMNS if name in self.conditions]:
            raise ValueError(
                f"conditions.{taken[0]}: the table of latents has a column of that name that says something else; "
                "rename the column in the raw table"
            )
        if self.warmup_steps and self.decay != "cosine":
            raise ValueError("warmup_steps needs decay cosine")
        for name, condition in self.conditions.items():
            if isinstance(condition, Quantity) and condition.mirror and condition.mirror not in self.conditions:
                raise ValueError(f"conditions.{name}.mirror names {condition.mirror!r}, which is not declared")
        return self
