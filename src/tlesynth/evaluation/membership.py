"""Can one tell from a model's errors who it was trained on? Membership inference by the loss on each scan.

Source: Yeom et al. 2018 (loss threshold); Carlini et al. 2022 (true positives at a low false-positive rate).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tlesynth import interruption
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.data.cohort import Cohort
from tlesynth.diffusion.latents import Latents, read_latents, rows_of
from tlesynth.diffusion.model import Diffusion
from tlesynth.diffusion.process import squared_error
from tlesynth.metrics.statistics import LEAST_SET, Json, auc_interval, not_computed, proportion
from tlesynth.progress import track
from tlesynth.seeds import torch_generator

Floats = NDArray[np.floating]
MOMENTS, ASKED = 10, 6
"""Of so many evenly spread noise times, the cleanest so many are asked: at the noisiest nothing is known of a scan."""
FALSE_POSITIVES = 0.01


@dataclass(frozen=True)
class Models:
    """Both models, and the latents the second was trained on."""

    autoencoder: Autoencoder
    diffusion: Diffusion
    latents: Path
    device: torch.device

    def encoded(self, volume: NDArray[np.float32]) -> Floats:
        """The normalised posterior mean of a volume (X, Y, Z), as one row."""
        return self.autoencoder.to_latents(self._batch(volume)).flatten().cpu().numpy()

    def rebuilt(self, volume: NDArray[np.float32]) -> Floats:
        """A volume (X, Y, Z) through the autoencoder and back."""
        return self.autoencoder.from_latents(self.autoencoder.to_latents(self._batch(volume)))[0, 0].cpu().numpy()

    def _batch(self, volume: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(volume, np.float32))[None, None].to(self.device)


def membership(trained: Floats, held_out: Floats, confidence: float) -> Json:
    """How well a smaller error (n,) tells training scans from held-out ones: 0.5 is not at all.

    The true-positive rate at 1 % false positives needs 100 held-out scans: with fewer, 1 % cannot be told from 0.
    """
    scores = -np.concatenate([trained, held_out])
    members = np.arange(len(scores)) < len(trained)
    return {
        "auc": auc_interval(scores, members, confidence, LEAST_SET),
        "tpr_at_1_percent": _caught(-trained, -held_out, confidence),
        "trained": len(trained),
        "held_out": len(held_out),
    }


def _caught(trained: Floats, held_out: Floats, confidence: float) -> Json:
    if len(held_out) * FALSE_POSITIVES < 1:
        return not_computed(f"{len(held_out)} held-out scans; 1 % of false positives needs at least 100")
    allowed = int(len(held_out) * FALSE_POSITIVES)
    bound = np.sort(held_out)[-allowed - 1] if allowed < len(held_out) else -np.inf
    return proportion(int((trained > bound).sum()), len(trained), confidence)


def latents_of(models: Models, splits: Path, names: tuple[str, ...], ids: list[str]) -> Latents:
    """The latents of ``ids``, who stand in the splits ``names``, on the models' device.

    Raises:
        TlesynthError: DATA-010 or DATA-011 where latents or splits do not fit.
    """
    rows = pd.concat([rows_of(models.latents, splits, name) for name in names])
    rows = rows[rows["participant_id"].isin(set(ids))]
    return read_latents(models.latents, rows, models.diffusion.conditions).to(models.device)


@torch.no_grad()
def denoising_errors(models: Models, data: Latents, draws: int, seed: int) -> Floats:
    """Mean squared error (N,) of the denoiser on each scan, over ``draws`` noises fixed by the scan's name."""
    model = models.diffusion
    moments = model.process.moments(MOMENTS)[:ASKED]
    times = moments[torch.arange(draws) % ASKED].to(models.device)
    errors = []
    for i, name in enumerate(track(data.ids, "asking the denoiser", len(data))):
        interruption.check()
        clean = data.values[i].float().expand(draws, *data.values.shape[1:])
        white = torch.randn(clean.shape, generator=torch_generator(seed, "membership", name)).to(models.device)
        noise = model.process.noise(white)
        told = data.conditions[i].expand(draws, -1)
        predicted = model.network(model.process.noisy(clean, noise, times), times, told)
        errors.append(float(squared_error(predicted, model.process.target(clean, noise, times)).mean()))
    return np.array(errors)


def reconstruction_errors(models: Models, cohort: Cohort, ids: list[str]) -> Floats:
    """Mean absolute error (N,) of the autoencoder inside the brain of each scan."""
    errors = []
    for name in track(ids, "asking the autoencoder", len(ids)):
        interruption.check()
        volume = cohort.volume(name)
        errors.append(float(np.abs(models.rebuilt(volume) - volume)[volume > 0].mean()))
    return np.array(errors)
