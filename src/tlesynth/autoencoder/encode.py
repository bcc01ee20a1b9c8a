"""Every scan through the trained autoencoder once: latents for the diffusion model, reconstructions for the evaluation.

::

    latents/mean.npy           posterior means, normalised per channel, (N, C, x, y, z) float32
    latents/mean_flipped.npy   the same of the scans mirrored in x
    latents/logvar.npy         posterior log-variances, raw, (N, C, x, y, z) float32
    latents/index.tsv          row, participant_id, group, side, split
    latents/latents.json       the autoencoder's fingerprint, the grid, the latent's shape, mean and scale
    latents/manifest.json      SHA-256 of each
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from tlesynth import __version__, durable, interruption
from tlesynth.autoencoder.model import load_autoencoder
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.data.cohort import Cohort, CohortWriter, read_cohort
from tlesynth.data.splits import read_splits
from tlesynth.errors import fail
from tlesynth.progress import track
from tlesynth.training import fabric_for

RECONSTRUCTED = ("val", "test")


def encode_cohort(
    autoencoder: Path, derivatives: Path, splits: Path, latents: Path, reconstructions: Path, *, device: str
) -> None:
    """Write the latents of every participant, and the reconstructions of ``val`` and ``test`` as a cohort.

    Raises:
        TlesynthError: MOD-004 or CKP-001 for an unusable model, NII-030 if the cohort is on another grid, DATA codes
            for missing or unfitting input, OPS-075 after a stop request.
    """
    fabric = fabric_for(device, "32-true")
    network, cohort = load_autoencoder(autoencoder, fabric.device), read_cohort(derivatives)
    if cohort.grid != network.grid:
        raise fail(
            "NII-030", derivatives, f"the cohort is on {cohort.grid.name}, the autoencoder on {network.grid.name}"
        )
    index = index_of(cohort, splits)
    fingerprint = network.fingerprint
    _write_latents(latents, network, cohort, index, fingerprint)
    held_out = index["participant_id"][index["split"].isin(RECONSTRUCTED)].tolist()
    _write_reconstructions(reconstructions, network, cohort, held_out, fingerprint)


def index_of(cohort: Cohort, splits: Path) -> pd.DataFrame:
    """Who stands in which row of the latents: row, participant_id, group, side, split.

    Raises:
        TlesynthError: DATA-007 or DATA-010 if the splits do not fit the cohort, DATA-011 if they are missing.
    """
    split_of = {i: split for split, ids in read_splits(splits, cohort.ids).items() for i in ids}
    index = cohort.participants[["group", "side"]].rename_axis("participant_id").reset_index()
    index.insert(0, "row", np.arange(len(index)))
    return index.assign(split=index["participant_id"].map(split_of))


def _write_latents(folder: Path, network: Autoencoder, cohort: Cohort, index: pd.DataFrame, fingerprint: str) -> None:
    shape = (len(index), *network.latent_shape)
    with durable.publishing(folder) as new:
        mean, flipped, logvar = (
            np.lib.format.open_memmap(new / f"{name}.npy", mode="w+", dtype=np.float32, shape=shape)
            for name in ("mean", "mean_flipped", "logvar")
        )
        for row, participant_id in enumerate(track(index["participant_id"], "encoding", len(index))):
            interruption.check()
            mean[row], logvar[row], flipped[row] = posterior(network, cohort.volume(participant_id))
        for array in (mean, flipped, logvar):
            array.flush()
        durable.write_table(new / "index.tsv", index)
        durable.write_json(new / "latents.json", _about(network, fingerprint))


@torch.no_grad()
def posterior(network: Autoencoder, voxels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of one volume (X, Y, Z): normalised mean, raw log-variance, normalised mean of its mirror; each (C, x, y, z).

    The mirror is encoded, not the latent mirrored: a convolutional encoder's kernels are not mirror-symmetric.
    """
    volume = torch.from_numpy(voxels).to(network.latent_mean.device)
    mean, logvar = network.encode(torch.stack([volume, volume.flip(0)]).unsqueeze(1))  # (2, C, x, y, z)
    normalised = network.normalise(mean).cpu().numpy()
    return normalised[0], logvar[0].cpu().numpy(), normalised[1]


def _write_reconstructions(
    folder: Path, network: Autoencoder, cohort: Cohort, ids: list[str], fingerprint: str
) -> None:
    about = "Held-out scans encoded to the posterior mean and decoded by the autoencoder"
    writer = CohortWriter(folder, cohort.grid, "reconstruction", "Reconstructions", about)
    sidecar = {"Autoencoder": fingerprint}
    for participant_id in track(ids, "reconstructing", len(ids)):
        interruption.check()
        made = writer.sidecar(participant_id)
        if made is not None and made.get("Autoencoder") == fingerprint:
            continue
        voxels = torch.from_numpy(cohort.volume(participant_id)).to(network.latent_mean.device)
        x_hat = network.from_latents(network.to_latents(voxels[None, None]))[0, 0]
        writer.write(participant_id, x_hat.cpu().numpy(), sidecar)
    writer.finish(cohort.participants.loc[ids])


def _about(network: Autoencoder, fingerprint: str) -> dict[str, Any]:
    return {
        "tlesynth": __version__,
        "autoencoder": fingerprint,
        "grid": network.grid.name,
        "shape": list(network.latent_shape),
        "channels": {"mean": network.latent_mean.tolist(), "scale": network.latent_scale.tolist()},
    }
