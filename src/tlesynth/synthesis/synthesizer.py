"""Both models together: conditions and a seed to a latent, a latent to a volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tlesynth.autoencoder.model import load_autoencoder
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.diffusion.model import Diffusion, load_diffusion
from tlesynth.diffusion.sampling import Plan, Sampled, sample_latents
from tlesynth.diffusion.tune import NAME, read_tuned
from tlesynth.progress import say
from tlesynth.recipe import Inference, Sample
from tlesynth.seeds import seed_of, torch_generator
from tlesynth.synthesis.requests import Subject
from tlesynth.training import fabric_for
from tlesynth.volume import GRIDS, Grid


@dataclass(frozen=True)
class Synthesizer:
    """Both models, how to sample, and the run's seed."""

    autoencoder: Autoencoder
    diffusion: Diffusion
    settings: Sample
    seed: int
    device: torch.device

    @property
    def plan(self) -> Plan:
        """How latents are drawn."""
        sample = self.settings
        return Plan(
            self.diffusion.process,
            sampler=sample.sampler,
            steps=sample.steps,
            guidance=sample.guidance,
            guidance_interval=sample.guidance_interval,
        )

    @property
    def grid(self) -> Grid:
        """The grid of its volumes."""
        return GRIDS[self.diffusion.grid]

    @property
    def batch_size(self) -> int:
        """Subjects drawn together."""
        return self.settings.batch_size

    def seed_of(self, subject: Subject, attempt: int) -> int:
        """The seed of a subject's generator, by its name alone: under other conditions it has the same noise."""
        return seed_of(self.seed, "synthetic", subject.participant_id, attempt)

    def completed(self, subjects: list[Subject]) -> list[Subject]:
        """The same with the conditions that the model draws where a request leaves them open.

        By a subject's name and the run's seed alone: what chance adds is the same whatever is asked of the subject.
        """
        return [self._completed(subject) if subject.asked else subject for subject in subjects]

    def _completed(self, subject: Subject) -> Subject:
        conditions, completion = self.diffusion.conditions, self.diffusion.completion
        if completion is None:
            return subject
        (told,) = conditions.asked([subject.asked], "sample")
        chance = torch_generator(self.seed, "synthetic", subject.participant_id, "open conditions")
        full = completion.completed(told, conditions, chance)
        drawn = {name: conditions.word(name, full) for name in completion.drawn if name not in subject.asked}
        return replace(subject, asked={**subject.asked, **drawn})

    def draw(self, subjects: list[Subject], attempt: int, frames: int = 0) -> Sampled:
        """Latents (B, C, X, Y, Z) of ``subjects``, with ``frames`` moments of the way."""
        told = self.diffusion.conditions.asked([s.asked for s in subjects], "sample").to(self.device)
        generators = [torch.Generator().manual_seed(self.seed_of(s, attempt)) for s in subjects]
        plan = replace(self.plan, frames=frames)
        return sample_latents(self.diffusion.network, told, self.diffusion.latent_shape, generators, plan)

    def volumes(self, subjects: list[Subject], attempt: int) -> Iterator[np.ndarray]:
        """The volume (X, Y, Z) of each of ``subjects``, decoded one at a time."""
        yield from (self.decode(latent) for latent in self.draw(subjects, attempt).latents)

    def decode(self, latent: torch.Tensor) -> np.ndarray:
        """The volume (X, Y, Z) float32 on [0, 1] of one latent (C, X, Y, Z)."""
        return self.autoencoder.from_latents(latent[None])[0, 0].float().cpu().numpy()

    def sidecar(self, subject: Subject, attempt: int) -> dict[str, Any]:
        """What a synthetic scan says about its origin."""
        return {
            "Synthetic": True,
            "Seed": self.seed_of(subject, attempt),
            "Attempt": attempt + 1,
            "ModelHash": self.diffusion.fingerprint,
            "AutoencoderHash": self.diffusion.autoencoder,
            "Decoding": self.autoencoder.run_about,
            "Sampler": self.settings.sampler,
            "Steps": self.settings.steps,
            "GuidanceScale": self.settings.guidance,
            "GuidanceInterval": list(self.settings.guidance_interval),
            "Conditions": dict(subject.asked),
        }


def synthesizer_of(
    autoencoder: Path, diffusion: Path, settings: Sample, *, seed: int, device: str, inference: Inference | None = None
) -> Synthesizer:
    """Both models, loaded onto ``device``; ``inference`` is how the first decodes.

    Raises:
        TlesynthError: CKP-001, CKP-009 or MOD-004 for models that cannot be used.
    """
    target, inference = fabric_for(device, "32-true").device, inference or Inference()
    decoder = load_autoencoder(autoencoder, target).run_as(inference)
    model = load_diffusion(diffusion, decoder.fingerprint).run_as(inference, target)
    if settings.tuned:
        settings = _as_tuned(settings, diffusion, model)
    return Synthesizer(decoder, model, settings, seed, target)


def _as_tuned(settings: Sample, diffusion: Path, model: Diffusion) -> Sample:
    """``settings`` as ``tune`` chose them for these weights; their own where it never ran."""
    found = read_tuned(diffusion, model.fingerprint)
    if found is None:
        say(f"{NAME} is not there for these weights: sampling as the recipe says; 'tlesynth tune' chooses better")
        return settings
    return settings.model_copy(update=found)
