"""Every scan through the trained autoencoder once: latents for the diffusion model, reconstructions for the evaluation.

::

    latents/latents.npy    posteriors of each scan and of its mirror image, one array (see ``latent_file``)
    latents/index.tsv      row, participant_id, split, and the columns of participants.tsv and volumes.tsv
    latents/latents.json   the autoencoder's fingerprint and verdict, the grid, the latent's shape, mean and scale, and
                           the share of the posterior's noise
    latents/manifest.json  SHA-256 of each

A killed run goes on where it stopped, and no more than one scan is in memory.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from tlesynth import __version__, durable, interruption
from tlesynth.autoencoder.gate.doctor import Moments, channel_noise, moments, posterior_noise
from tlesynth.autoencoder.latent_file import NAME, PARTS, VIEWS, Row, Unfinished
from tlesynth.autoencoder.model import Trained, read_autoencoder
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.data.cohort import Cohort, CohortWriter, read_cohort
from tlesynth.data.splits import read_splits
from tlesynth.errors import TlesynthError, fail
from tlesynth.locking import beside, holding
from tlesynth.metrics.statistics import rounded
from tlesynth.progress import track
from tlesynth.recipe import Encode, Inference
from tlesynth.recipe.diffusion import INDEX_COLUMNS
from tlesynth.seeds import torch_generator
from tlesynth.training import fabric_for
from tlesynth.training.augmentation import moved

RECONSTRUCTED = ("val", "test")
FITTED = "gen_train"
WRITTEN = {NAME, "index.tsv", "latents.json", durable.MANIFEST}
"""What a folder of latents holds: one with anything else in it is not ours to replace."""


def encode_cohort(
    autoencoder: Path,
    derivatives: Path,
    splits: Path,
    latents: Path,
    reconstructions: Path,
    *,
    device: str,
    inference: Inference | None = None,
    copies: Encode | None = None,
) -> None:
    """Write the latents of every participant and of its copies, and ``val`` and ``test`` reconstructed as a cohort.

    What is there and still fits (same weights, same scans) is kept; the verdict is brought up to date.

    Raises:
        TlesynthError: CFG-005 if ``latents`` holds other files, MOD-004 or CKP-001 for an unusable model, NII-030 if
            the cohort is on another grid, DATA codes for missing or unfitting input, NUM-006 if a reconstruction is not
            finite, RES-001 if the disk is full, OPS-010 if another process encodes there, OPS-075 after a stop request.
    """
    _refuse_other_files(latents)
    fabric = fabric_for(device, "32-true")
    trained, cohort = read_autoencoder(autoencoder, fabric.device), read_cohort(derivatives)
    network, copies = trained.network.run_as(inference or Inference()), copies or Encode()
    if cohort.grid != network.grid:
        raise fail(
            "NII-030", derivatives, f"the cohort is on {cohort.grid.name}, the autoencoder on {network.grid.name}"
        )
    index = index_of(cohort, splits)
    key = _key(trained, cohort, index["participant_id"].tolist(), copies)
    held_out = index["participant_id"][index["split"].isin(RECONSTRUCTED)].tolist()
    with holding(latents, beside(latents)):  # two would write rows between each other's
        _write_latents(latents, trained, cohort, index, copies, key)
        _write_reconstructions(reconstructions, trained, cohort, held_out)


def reconstruct_cohort(
    autoencoder: Path, derivatives: Path, ids: list[str], out: Path, *, device: str, inference: Inference
) -> None:
    """Write the participants ``ids`` as the autoencoder rebuilds them, as a cohort; those that stand are kept.

    Raises:
        TlesynthError: MOD-004 or CKP-001 for an unusable model, NUM-006 if a reconstruction is not finite.
    """
    trained = read_autoencoder(autoencoder, fabric_for(device, "32-true").device)
    trained.network.run_as(inference)
    _write_reconstructions(out, trained, read_cohort(derivatives), ids)


def _refuse_other_files(folder: Path) -> None:
    """The folder is replaced as a whole: a model or a cohort given by mistake would be lost."""
    if folder.exists() and not folder.is_dir():
        raise fail("CFG-005", folder, "it is a file")
    others = sorted({found.name for found in folder.iterdir()} - WRITTEN) if folder.is_dir() else []
    if others:
        raise fail("CFG-005", folder, f"it holds {others[0]}, which is no part of latents")


def index_of(cohort: Cohort, splits: Path) -> pd.DataFrame:
    """Who stands in which row of the latents, in which split, and what a generator may be conditioned on.

    Columns are row, participant_id, split, those of the cohort's participants.tsv and those of its volumes.tsv (mm^3).

    Raises:
        TlesynthError: DATA-007 or DATA-010 if the splits do not fit the cohort, DATA-011 if they are missing, DATA-001
            if participants.tsv has a column by the name of one that is added here.
    """
    split_of = {i: split for split, ids in read_splits(splits, cohort.ids).items() for i in ids}
    told = cohort.measured()
    if taken := [name for name in INDEX_COLUMNS if name in told]:
        why = f"a column {taken[0]}, which says something else in the table of latents: rename it"
        raise fail("DATA-001", cohort.root / "participants.tsv", why)
    index = told.rename_axis("participant_id").reset_index()
    index.insert(0, "row", np.arange(len(index)))
    index.insert(2, "split", index["participant_id"].map(split_of))
    return index


def _write_latents(
    folder: Path, trained: Trained, cohort: Cohort, index: pd.DataFrame, copies: Encode, key: str
) -> None:
    network, ids, names = trained.network, index["participant_id"].tolist(), view_names(copies)
    unfinished = Unfinished(folder, len(index), network.latent_shape, key, len(names))
    known = _finished(folder)
    if known.get("input") == key:
        array = folder / NAME
    else:
        rows = iter(track(range(len(ids)), "encoding", len(ids)))
        array = unfinished.write(rows, lambda row: posteriors(network, cohort.volume(ids[row]), copies, ids[row]))
    about = _about(trained, key, names) | {"index": durable.hash_of(index.to_dict("list"))} | _noise(array, index)
    if known == about:
        return
    with durable.publishing(folder) as new:
        _link(array, new / NAME)
        durable.write_table(new / "index.tsv", index)
        durable.write_json(new / "latents.json", about)
    unfinished.clear()


def view_names(copies: Encode) -> tuple[str, ...]:
    """What each view of a scan shows, in the order of the array; the second, fourth ... moved copy is mirrored."""
    moved = (f"moved {i + 1}{', mirrored' if i % 2 else ''}" for i in range(copies.moved_copies))
    return (*VIEWS, *moved)


@torch.no_grad()
def posteriors(network: Autoencoder, voxels: np.ndarray, copies: Encode, name: str) -> Row:
    """Posterior mean and log-variance, normalised, of views of a volume (X, Y, Z): (view, part, C, x, y, z).

    The views are the volume, its mirror image and moved copies of both in turn, which are drawn by ``name``. The
    mirror is encoded, not the latent mirrored: a convolutional encoder's kernels are not mirror-symmetric.
    """
    volume = torch.from_numpy(voxels).to(network.latent_mean.device)[None, None]
    spread = 2 * network.latent_scale.log().view(1, -1, 1, 1, 1)
    views, both = [], (volume, volume.flip(2))
    moved_copies = (
        moved(both[i % 2], copies.move, torch_generator(0, "moved copy", name, i), network.grid.spacing)
        for i in range(copies.moved_copies)
    )
    for view in (*both, *moved_copies):
        mean, logvar = network.encode(view)  # each (1, C, x, y, z)
        views.append(torch.cat([network.normalise(mean), logvar - spread]))
    return torch.stack(views).cpu().numpy()


def _write_reconstructions(folder: Path, trained: Trained, cohort: Cohort, ids: list[str]) -> None:
    network = trained.network
    about = "Held-out scans encoded to the posterior mean and decoded by the autoencoder"
    writer = CohortWriter(folder, cohort.grid, "reconstruction", "Reconstructions", about)
    for participant_id in track(ids, "reconstructing", len(ids)):
        interruption.check()
        scan = durable.sha256(cohort.volume_path(participant_id))
        sidecar = {"Autoencoder": trained.fingerprint, "Run": network.run_about, "ScanSHA256": scan}
        made = writer.sidecar(participant_id)
        if made is not None and sidecar.items() <= made.items():
            continue
        voxels = torch.from_numpy(cohort.volume(participant_id)).to(network.latent_mean.device)
        x_hat = network.from_latents(network.to_latents(voxels[None, None]))[0, 0]
        if not bool(x_hat.isfinite().all()):
            raise fail("NUM-006", participant_id, "its reconstruction is not finite")
        writer.write(participant_id, x_hat.cpu().numpy(), sidecar)
    writer.finish(cohort.participants.loc[ids])


def _key(trained: Trained, cohort: Cohort, ids: list[str], copies: Encode) -> str:
    """What the latents were made of: the weights, how they were run, and the content of each scan's file."""
    scans = [[name, durable.sha256(cohort.volume_path(name))] for name in ids]
    kept = copies.model_dump(mode="json") if copies.moved_copies else {}
    return durable.hash_of([__version__, trained.fingerprint, trained.network.run_about, scans, kept])


def _finished(folder: Path) -> dict[str, Any]:
    """latents.json of a folder that is whole, else nothing."""
    durable.put_back(folder)
    if not (folder / "latents.json").is_file():
        return {}
    try:
        durable.verify(folder)
    except TlesynthError:  # damaged: made again
        return {}
    return durable.read_json(folder / "latents.json")


def _about(trained: Trained, key: str, names: tuple[str, ...]) -> dict[str, Any]:
    network, gate = trained.network, trained.gate
    return {
        "tlesynth": __version__,
        "autoencoder": trained.fingerprint,
        "input": key,
        "run": network.run_about,
        "grid": network.grid.name,
        "shape": list(network.latent_shape),
        "axes": {"view": list(names), "part": list(PARTS)},
        "channels": {"mean": network.latent_mean.tolist(), "scale": network.latent_scale.tolist()},
        "gate": gate and {key: gate[key] for key in ("verdict", "reasons", "loosened", "figures")},
    }


def _noise(path: Path, index: pd.DataFrame) -> dict[str, Any]:
    """How much of the training latents is the posterior's own noise, and how much rounding to float16 adds to it."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    scans, rounding = [], []
    for row in np.flatnonzero(index["split"] == FITTED):
        mean, logvar = (torch.from_numpy(np.asarray(part, np.float32)) for part in array[row, 0])
        scans.append(moments(mean, logvar))
        rounding.append(float((np.spacing(np.abs(array[row, 0, 0])).astype(np.float64) ** 2).mean() / 12))
    if not scans:
        raise fail("DATA-010", path, f"nobody stands in {FITTED}")
    pooled = Moments.stack(scans).of(np.arange(len(scans))[None])
    added = np.sqrt(np.mean(rounding) / pooled.variance[0].min())
    return {
        "posterior_noise": {
            "share": rounded(float(posterior_noise(pooled)[0])),
            "by_channel": [rounded(float(v)) for v in channel_noise(pooled)[0]],
            "scans": len(scans),
        },
        "rounding_over_noise": rounded(float(added)),
    }


def _link(source: Path, target: Path) -> None:
    """The same file under another name, so that it stands under the first until all else does; else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
