"""The VAE-GAN: network, losses and the two phases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tlesynth.recipe.section import Count, CountOrZero, Fraction, NonNegative, Positive, Section


class AutoencoderNetwork(Section):
    """The autoencoder's coder; the latent is 4 times smaller on each axis."""

    design: Literal["monai", "lean"] = "monai"
    """``monai``: the paper's. ``lean``: ours, nothing at full resolution, started from the best linear one."""
    channels: Annotated[tuple[Count, ...], Field(min_length=2, max_length=3)] = (64, 128, 256)
    """Widths by resolution: full, half, quarter (monai), or half, quarter (lean)."""
    residual_blocks: Annotated[int, Field(ge=1, le=4)] = 1
    latent_channels: Annotated[int, Field(ge=1, le=16)] = 4
    norm_groups: Count = 32

    @model_validator(mode="after")
    def _widths_fit(self) -> AutoencoderNetwork:
        if len(self.channels) != (wanted := {"monai": 3, "lean": 2}[self.design]):
            raise ValueError(f"design {self.design} has {wanted} channels, not {len(self.channels)}")
        if any(width % self.norm_groups for width in self.channels):
            raise ValueError(f"norm_groups {self.norm_groups} must divide each of channels {self.channels}")
        return self


class ReconstructionPhase(Section):
    """Phase 1: reconstruction, perceptual and KL losses. ``steps`` wins over ``epochs`` where it is above 0."""

    epochs: Count = 100
    steps: CountOrZero = 0
    learning_rate: Positive = 1e-3
    restart_epochs: Count = 10
    """First period of the cosine annealing with warm restarts; each period is twice the one before."""
    batch_size: Count = 2


class AdversarialPhase(Section):
    """Phase 2: discriminator and autoencoder in turn (the paper's two scripts)."""

    rounds: CountOrZero = 65
    discriminator_epochs: Count = 2
    discriminator_steps: CountOrZero = 0
    """Above 0, wins over discriminator_epochs."""
    autoencoder_epochs: Count = 2
    """Bound of one autoencoder turn, in epochs, where the stopping rule does not fire before."""
    autoencoder_steps: CountOrZero = 0
    stop_below: Positive = 0.1
    """The turn ends when the running mean of the adversarial loss falls below this."""
    learning_rate: Positive = 1e-4
    discriminator_learning_rate: Positive = 1e-4
    discriminator_channels: Count = 32
    discriminator_layers: Annotated[int, Field(ge=1, le=5)] = 3


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
    gradient_clip: Positive = 1.0
    validate_every: Count = 500
    checkpoint_every: Count = 500
