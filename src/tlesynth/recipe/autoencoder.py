"""The VAE-GAN: network, losses and the two phases."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tlesynth.recipe.augmentation import Augmentation
from tlesynth.recipe.gate import Gate
from tlesynth.recipe.section import Count, CountOrZero, Fraction, NonNegative, Positive, Section, Triple

COMPRESSION = 4
"""Voxels of a volume to one of its latent, on each axis."""
LEAST_SIDE = {"none": 4, "ssim3d": 7, "lpips-squeeze": 17, "lpips-alex": 31}
"""Voxels a side that each perceptual distance needs: SSIM's window, and what is left of an image after the strides of
SqueezeNet and AlexNet."""
FREE = ("gate", "checkpoint_every", "checkpoints_kept", "milestone_every", "refused_in_a_row", "refused_in_all")
"""Settings of the autoencoder's training that no weight depends on."""


class AutoencoderNetwork(Section):
    """The autoencoder's coder; the latent is 4 times smaller on each axis."""

    design: Literal["monai", "lean"] = "monai"
    """``monai``: the paper's. ``lean``: ours, nothing at full resolution, started from the best linear one."""
    channels: Annotated[tuple[Count, ...], Field(min_length=2, max_length=3)] = (64, 128, 256)
    """Widths by resolution: full, half, quarter (monai), or half, quarter (lean)."""
    residual_blocks: Annotated[int, Field(ge=1, le=4)] = 1
    latent_channels: Annotated[int, Field(ge=1, le=16)] = 4
    norm_groups: Count = 32
    """Of ``monai``; ``lean`` normalises each voxel by itself."""
    upsampling: Literal["nearest", "trilinear"] = "nearest"
    """How the decoder of ``monai`` doubles before a convolution; MAISI's weights want trilinear."""
    checkpoint_activations: bool = False
    """Compute activations again in the backward pass instead of keeping them: less memory, a third more time."""

    @model_validator(mode="after")
    def _widths_fit(self) -> AutoencoderNetwork:
        if len(self.channels) != (wanted := {"monai": 3, "lean": 2}[self.design]):
            raise ValueError(f"design {self.design} has {wanted} channels, not {len(self.channels)}")
        if self.design == "monai" and any(width % self.norm_groups for width in self.channels):
            raise ValueError(f"norm_groups {self.norm_groups} must divide each of channels {self.channels}")
        if self.design == "lean" and self.upsampling != "nearest":
            raise ValueError("upsampling trilinear is only known to design monai: lean unfolds channels instead")
        return self


class Phase(Section):
    """How the autoencoder's learning rate goes in a phase."""

    decay: Literal["constant", "warm_restarts", "cosine"] = "constant"
    warmup_steps: CountOrZero = 0
    """Of ``cosine``: a linear rise before its decay."""

    @model_validator(mode="after")
    def _warms_up_into_a_cosine(self) -> Self:
        if self.warmup_steps and self.decay != "cosine":
            raise ValueError("warmup_steps needs decay cosine")
        return self


class ReconstructionPhase(Phase):
    """Phase 1: reconstruction, perceptual and KL losses. ``steps`` wins over ``epochs`` where it is above 0."""

    epochs: Count = 100
    steps: CountOrZero = 0
    learning_rate: Positive = 1e-3
    decay: Literal["constant", "warm_restarts", "cosine"] = "warm_restarts"
    """``cosine``: one decay over the phase."""
    restart_epochs: Count = 10
    """First period of the cosine annealing with warm restarts; each period is twice the one before."""
    batch_size: Count = 2
    """Scans that go through the networks together, in both phases."""
    accumulate: Count = 1
    """Batches that make one step: its gradient is that of batch_size x accumulate scans, its memory that of one."""


class AdversarialPhase(Phase):
    """Phase 2. ``alternating``: discriminator and autoencoder in turn (the paper's two scripts), for some rounds.

    ``joint``: one round. The discriminator alone for discriminator_epochs, then each batch moves the autoencoder and
    then the discriminator, for autoencoder_epochs. ``rounds: 0`` leaves the phase out.
    """

    schedule: Literal["alternating", "joint"] = "alternating"
    loss: Literal["bce", "hinge", "least_squares"] = "bce"
    rounds: CountOrZero = 65
    discriminator_epochs: CountOrZero = 2
    discriminator_steps: CountOrZero = 0
    """Above 0, wins over discriminator_epochs."""
    autoencoder_epochs: Count = 2
    """Bound of one autoencoder turn, in epochs, where the stopping rule does not fire before."""
    autoencoder_steps: CountOrZero = 0
    stop_below: Positive = 0.1
    """An alternating turn ends when the running mean of the adversarial loss, unweighted, falls below this.

    Not before half its bound, or 35 steps."""
    learning_rate: Positive = 1e-4
    decay: Literal["constant", "cosine"] = "constant"
    """Of the autoencoder's learning rate, over all rounds; the discriminator's is constant."""
    discriminator_learning_rate: Positive = 1e-4
    discriminator_channels: Count = 32
    discriminator_layers: Annotated[int, Field(ge=1, le=5)] = 3

    @property
    def least_side(self) -> int:
        """Voxels a side below which the discriminator has nothing left to judge.

        Its first convolution and all but the last of its layers halve; the last layer and the logits take one voxel
        each.
        """
        return 3 * 2**self.discriminator_layers

    @model_validator(mode="after")
    def _schedule_fits(self) -> AdversarialPhase:
        if self.schedule == "joint" and self.rounds > 1:
            raise ValueError("schedule joint is one round: set rounds: 1 (or 0 for no adversarial phase)")
        alone = self.discriminator_steps or self.discriminator_epochs
        if self.schedule == "alternating" and self.rounds and not alone:
            raise ValueError("schedule alternating needs discriminator_epochs or discriminator_steps above 0")
        return self


class Autoencoder(Section):
    """The VAE-GAN (paper, sections 3.1 and 5.1)."""

    network: AutoencoderNetwork = AutoencoderNetwork()
    l1: NonNegative = 1.0
    perceptual: Literal["none", "ssim3d", "lpips-alex", "lpips-squeeze"] = "lpips-alex"
    perceptual_weight: NonNegative = 0.6
    perceptual_slices: Fraction = 0.25
    """Share of the slices of each plane that one step compares (LPIPS only)."""
    kl: NonNegative = 1e-6
    """Weight of the KL divergence, summed over elements and averaged over the batch."""
    adversarial: NonNegative = 0.02
    reconstruction: ReconstructionPhase = ReconstructionPhase()
    adversarial_phase: AdversarialPhase = AdversarialPhase()
    augmentation: Augmentation = Augmentation()
    crop: Triple | None = None
    """Train on boxes of so many voxels a side (multiples of 4) at random places; none: whole volumes."""
    optimizer: Literal["adam", "adamw", "muon"] = "adam"
    """``muon``: kernels by orthogonalised momentum, the rest by Adam."""
    weight_decay: NonNegative = 0.0
    """Decoupled (adamw, muon), of kernels alone."""
    gradient_clip: Positive = 1.0
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Above 0: an exponential moving average of the autoencoder's weights is validated and becomes the model."""
    select: Literal["score", "paper_sum"] = "score"
    """Which validation sum chooses the model: without the adversarial term, or with it, as the paper."""
    gate: Gate = Gate()
    validate_every: CountOrZero = 0
    """Steps; 0: once an epoch (of at least 50 steps, else of several epochs)."""
    checkpoint_every: CountOrZero = 0
    """Likewise."""
    checkpoints_kept: Count = 2
    """Of the numbered checkpoints, the newest so many stay."""
    milestone_every: CountOrZero = 0
    """Every so manieth checkpoint stays for good, besides; 0: none."""
    refused_in_a_row: Count = 5
    """Steps whose loss or gradient is not finite are refused; after so many in a row the run gives up."""
    refused_in_all: Count = 100

    @property
    def decisive(self) -> Autoencoder:
        """These settings with what no weight depends on at its defaults: it may change from one call to the next."""
        return self.model_copy(update={name: type(self).model_fields[name].get_default() for name in FREE})

    @property
    def least_side(self) -> int:
        """Voxels a side below which a term of the objective cannot be computed."""
        against = self.adversarial_phase
        return max(LEAST_SIDE[self.perceptual], against.least_side if against.rounds else 0)

    @model_validator(mode="after")
    def _crop_fits(self) -> Autoencoder:
        if self.crop is None:
            return self
        if any(side % COMPRESSION for side in self.crop):
            raise ValueError(f"crop {self.crop}: each side must be a multiple of {COMPRESSION}")
        if min(self.crop) < self.least_side:
            raise ValueError(
                f"crop {self.crop}: perceptual {self.perceptual} and a discriminator of"
                f" {self.adversarial_phase.discriminator_layers} layers need {self.least_side} voxels a side"
            )
        return self

    @model_validator(mode="after")
    def _decay_fits(self) -> Autoencoder:
        if self.weight_decay and self.optimizer == "adam":
            raise ValueError("weight_decay needs optimizer adamw or muon")
        return self
