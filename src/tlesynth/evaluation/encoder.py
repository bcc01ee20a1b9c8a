"""A small network of our own that describes a head, for distances where no pretrained one is at hand.

It is trained on gen_train alone, without groups or sites: crops from one place of several scans are to be told apart,
whatever their brightness and a small shift (SimCLR, Chen et al. 2020, arXiv 2002.05709). Noise and blur are no
augmentations, so that it sees them. Its distances compare with nothing but their floor: they are named ``internal
encoder`` and never FID.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as f

from tlesynth import durable, interruption
from tlesynth.data.cohort import Cohort
from tlesynth.data.resampling import on_work
from tlesynth.progress import track
from tlesynth.seeds import generator, seed_of
from tlesynth.volume import Grid

NAME = "internal encoder"
FILE = "internal_encoder.safetensors"
WIDTHS, STRIDES, PROJECTED = (16, 32, 32), (2, 2, 1), 32
FEATURES = 2 * WIDTHS[-1]
FEWEST, MOST = 4, 128
"""Training scans without which there is no encoder, and beyond which a random choice is taken."""
STEPS, BATCH, LEARNING_RATE, TEMPERATURE = 80, 16, 2e-3, 0.2
CROP, MOST_SHIFT, GAMMA = 24, 2, 0.25
LEAST_BRAIN = 0.4
"""Share of a crop that the mean head fills."""


class Encoder(nn.Module):
    """Volumes of any size at 3 mm to the mean and the spread of 32 learned maps."""

    def __init__(self) -> None:
        super().__init__()
        pairs = zip((1, *WIDTHS), WIDTHS, STRIDES, strict=False)
        steps = [nn.Conv3d(a, b, 3, stride, 1) for a, b, stride in pairs]
        for step in steps:
            nn.init.kaiming_normal_(step.weight)
        self.steps = nn.ModuleList(steps)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, X, Y, Z) on [0, 1] to (B, 64)."""
        x = 4 * x - 1
        for step in self.steps:
            x = f.gelu(step(x))  # the last: (B, 32, X / 4, Y / 4, Z / 4)
        x = x.flatten(2)
        return torch.cat([x.mean(2), x.std(2)], 1)  # (B, 64)

    @torch.inference_mode()
    def embed(self, volume: NDArray[np.floating], grid: Grid) -> NDArray[np.float64]:
        """The figures (64,) of one volume (X, Y, Z) on ``grid``."""
        x = torch.from_numpy(on_work(volume, grid))[None, None]
        return self(x)[0].numpy().astype(np.float64)


def encoder_of(cohort: Cohort, ids: list[str], folder: Path, seed: int) -> Encoder | None:
    """The encoder trained on the scans ``ids``, or the one in ``folder`` trained on them; None where they are few."""
    ids = ids if len(ids) <= MOST else _some(ids, seed)
    if len(ids) < FEWEST:
        return None
    settings = (WIDTHS, STRIDES, PROJECTED, STEPS, BATCH, LEARNING_RATE, TEMPERATURE, CROP, MOST_SHIFT, GAMMA)
    key = durable.hash_of({"scans": [cohort.stamp(i) for i in ids], "seed": seed, "settings": settings})
    path, network = folder / FILE, Encoder()
    if _key(path) == key:
        network.load_state_dict(load_file(path))
        return network.eval()
    volumes = [on_work(cohort.volume(i), cohort.grid) for i in track(ids, "reading for the encoder", len(ids))]
    network = train(np.stack(volumes), seed)
    with durable.replacing(path) as temporary:
        save_file(network.state_dict(), temporary, metadata={"key": key, "scans": str(len(ids))})
    return network


def train(volumes: NDArray[np.float32], seed: int) -> Encoder:
    """An encoder that tells the scans (N, 56, 68, 56) apart; the same scans and seed give the same one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "internal encoder"))
        network, head = Encoder(), nn.Linear(FEATURES, PROJECTED)
    optimizer = torch.optim.Adam([*network.parameters(), *head.parameters()], LEARNING_RATE)
    filled = volumes.mean(axis=0) > 0
    for step in track(range(STEPS), "training the internal encoder", STEPS):
        interruption.check()
        rng = generator(seed, "internal encoder", step)
        chosen, corner = volumes[rng.permutation(len(volumes))[:BATCH]], _place(filled, rng)
        views = np.stack([_view(volume, corner, rng) for _ in range(2) for volume in chosen])  # (2 B, 24, 24, 24)
        loss = contrast(head(network(torch.from_numpy(views)[:, None])))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def contrast(projected: Tensor) -> Tensor:
    """How badly each view (2 B, P) is told from all but its twin, B rows on (NT-Xent, SimCLR equation 1)."""
    z = f.normalize(projected, dim=1)
    alike = (z @ z.T / TEMPERATURE).fill_diagonal_(float("-inf"))
    return f.cross_entropy(alike, torch.arange(len(z)).roll(len(z) // 2))


def _place(filled: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """The corner of a crop that holds brain, with room for a shift."""
    room = np.array(filled.shape) - CROP - MOST_SHIFT
    while True:
        corner = rng.integers(MOST_SHIFT, room + 1)
        if filled[tuple(slice(c, c + CROP) for c in corner)].mean() >= LEAST_BRAIN:
            return corner


def _view(volume: NDArray[np.float32], corner: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
    """The crop at another brightness, a little off."""
    start = corner + rng.integers(-MOST_SHIFT, MOST_SHIFT + 1, 3)
    crop = volume[tuple(slice(c, c + CROP) for c in start)]
    return crop ** np.float32(np.exp(rng.uniform(-GAMMA, GAMMA)))


def _some(ids: list[str], seed: int) -> list[str]:
    rows = generator(seed, "internal encoder", "scans").permutation(len(ids))[:MOST]
    return [ids[row] for row in sorted(rows)]


def _key(path: Path) -> str | None:
    if not path.is_file():
        return None
    with safe_open(path, framework="pt") as file:
        return (file.metadata() or {}).get("key")
