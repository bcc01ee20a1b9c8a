"""What an autoencoder does to held-out scans, scan by scan: errors, hippocampi, spectrum, latents.

Every volume is encoded to the posterior mean and decoded in the precision and the tiles that the network was told to
run in: what is measured is what the later stages get. Scans go through one at a time; only the worst and the best
reconstructions are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tlesynth import interruption
from tlesynth.autoencoder.gate.doctor import Moments, moments, posterior_noise
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.data.cohort import Cohort
from tlesynth.metrics.comparison import compare
from tlesynth.metrics.spectrum import LEAST_POWER, band_power
from tlesynth.progress import track

KEPT = 3
"""Reconstructions kept for the page, of the worst scans and as many of the best."""
RANKED_BY = "l1_brain"


@dataclass(frozen=True, eq=False)
class Examination:
    """A row of figures per scan, their latents' moments (N, C), band powers (N, bands) of input and reconstruction."""

    scans: pd.DataFrame
    latents: Moments
    power: NDArray[np.float64]
    power_rebuilt: NDArray[np.float64]
    shown: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    """Reconstructions (X, Y, Z) of the worst and the best scans, the worst first."""

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Which scans came back with every voxel a number: (N,)."""
        return self.scans["finite"].to_numpy(bool)

    def only(self, chosen: NDArray[np.bool_]) -> Examination:
        """The scans that are ``chosen`` (N,)."""
        names = ("mean", "square", "variance", "kl")
        latents = Moments(*(getattr(self.latents, name)[chosen] for name in names))
        return Examination(self.scans[chosen], latents, self.power[chosen], self.power_rebuilt[chosen])

    @property
    def ratios(self) -> NDArray[np.float64]:
        """Power of the reconstruction over that of the input, dB: (N, bands)."""
        floor = np.maximum(self.power, LEAST_POWER), np.maximum(self.power_rebuilt, LEAST_POWER)
        return 10 * np.log10(floor[1] / floor[0])


@torch.no_grad()
def examine(network: Autoencoder, cohort: Cohort, ids: Sequence[str]) -> Examination:
    """Measure the scans ``ids`` of ``cohort`` before and after the autoencoder.

    A reconstruction that is not finite has no figures and is never shown.

    Raises:
        TlesynthError: NII codes for an unreadable volume, OPS-075 after a stop request.
    """
    rows: list[dict[str, Any]] = []
    latents, before, after = [], [], []
    shown: dict[str, NDArray[np.float32]] = {}
    for participant_id in track(ids, "examining held-out scans", len(ids)):
        interruption.check()
        x = cohort.volume(participant_id)
        mean, logvar = network.encode(torch.from_numpy(x).to(network.latent_mean.device)[None, None])
        x_hat = network.from_latents(network.normalise(mean))[0, 0].cpu().numpy()  # (X, Y, Z)
        latents.append(moments(mean[0], logvar[0]))
        before.append(band_power(x))
        after.append(band_power(x_hat))
        finite = all(np.isfinite(values).all() for values in (x_hat, *vars(latents[-1]).values()))
        row = {"participant_id": participant_id, "finite": int(finite)}
        rows.append(row | (compare(x, x_hat, cohort.grid) | _of_latent(latents[-1]) if finite else {}))
        if finite:
            shown[participant_id] = x_hat
            shown = {name: shown[name] for name in _extremes(rows) if name in shown}
    return Examination(pd.DataFrame(rows), Moments.stack(latents), np.stack(before), np.stack(after), shown)


def _of_latent(scan: Moments) -> dict[str, float]:
    return {
        "kl_per_element": float(scan.kl.mean()),
        "posterior_noise": float(posterior_noise(Moments.stack([scan]))[0]),
    }


def _extremes(rows: list[dict[str, Any]]) -> list[str]:
    """The worst scans so far, the worst first, then the best that are none of them, the best last."""
    measured = [row for row in rows if np.isfinite(row.get(RANKED_BY, np.nan))]
    ranked = [row["participant_id"] for row in sorted(measured, key=lambda row: -row[RANKED_BY])]
    return ranked[:KEPT] + ranked[KEPT:][-KEPT:]
