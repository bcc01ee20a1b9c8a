"""What a step waits for its batch, beside MONAI's cached data set (P12)."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sides
import torch
from machine import bfloat16_is_native, publish, tell
from monai.data import CacheDataset, DataLoader
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, ScaleIntensityd
from sides import FULL, GRID, LATENT, random_volume, seeded
from stepping import Step
from timing import Job, Load, interleave

from tlesynth import recipe
from tlesynth.autoencoder.learning.draws import Draws
from tlesynth.autoencoder.networks import channels_last
from tlesynth.autoencoder.scans import Scans
from tlesynth.volume import read_on, write

ABOUT = "seconds a batch takes to fetch and to vary, against the step it is for (P12)"
TARGET_SHARE = 0.02
SCANS = 8
FETCHES = 10
CPU = torch.device("cpu")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--batch", type=int, default=1)


def run(given: argparse.Namespace, out: Path) -> None:
    """Time fetching, augmenting, reading and the step in turn; publish."""
    settings = sides.recommended_settings()
    scans = Scans(torch.rand(SCANS, *FULL).half(), tuple(map(str, range(SCANS))))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "volume.nii.gz"
        write(path, scans.voxels[0].float().numpy(), GRID.affine, description="benchmark", mni=True)
        jobs = _jobs(settings, scans, path, given.batch)
        with Load() as load:
            interleave(list(jobs.values()), given.passes, tell)
    step = jobs["step"].median
    shares = {name: round(job.median / step, 5) for name, job in jobs.items() if name != "step"}
    fetch = shares["fetch a batch"]
    result = {
        "loader_share": fetch,
        "target": TARGET_SHARE,
        "met": fetch <= TARGET_SHARE,
        "shares_of_the_step": shares,
        "seconds": {name: job.result() for name, job in jobs.items()},
        "batch": given.batch,
        "mb_in_memory_per_volume": round(scans.voxels[0].nbytes / 1e6, 2),
        "read once": "a file is read at the start of training, never again: `read a file` is paid once a volume",
        "load": load.result(),
    }
    publish("loader", result, out)


def _jobs(settings: recipe.Autoencoder, scans: Scans, path: Path, batch: int) -> dict[str, Job]:
    plain = settings.model_copy(
        update={
            "crop": None,
            "augmentation": recipe.Augmentation(),
            "reconstruction": settings.reconstruction.model_copy(update={"batch_size": batch, "accumulate": 1}),
        }
    )
    varied = plain.model_copy(update={"augmentation": settings.augmentation})
    network = channels_last(seeded(sides.recommended))
    step, x = Step(network, autocast=bfloat16_is_native()), random_volume(FULL, batch)
    x = x.contiguous(memory_format=torch.channels_last_3d)
    return {
        "step": Job("step", lambda: step(x)),
        "fetch a batch": _many("fetch a batch", _fetching(plain, scans)),
        "fetch and augment a batch": _many("fetch and augment a batch", _fetching(varied, scans)),
        "read a file": _many("read a file", lambda: read_on(path, GRID)),
        "monai CacheDataset": _many("monai CacheDataset", _monai(path, batch)),
    }


def _fetching(settings: recipe.Autoencoder, scans: Scans) -> Callable[[], Any]:
    draws = Draws(scans, settings, LATENT, GRID.spacing, 0, CPU)
    steps = iter(range(1_000_000))
    return lambda: list(draws.parts("reconstruction", next(steps)))


def _monai(path: Path, batch: int) -> Callable[[], Any]:
    """MONAI's tutorial recipe: load, add a channel, scale; all cached in memory, fetched by its own loader."""
    steps = Compose([LoadImaged("image"), EnsureChannelFirstd("image"), ScaleIntensityd("image")])
    dataset = CacheDataset([{"image": str(path)}] * SCANS, steps, cache_rate=1.0, num_workers=0, progress=False)
    loader = DataLoader(dataset, batch_size=batch, num_workers=0)
    return lambda: next(iter(loader))


def _many(name: str, work: Callable[[], Any]) -> Job:
    """A job that does something short ``FETCHES`` times and counts one."""
    return Job(name, lambda: [work() for _ in range(FETCHES)], 1, 1 / FETCHES)
