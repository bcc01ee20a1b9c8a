"""Designs that were tried for the recipe ``recommended``, each with the same crops, loss and core-seconds.

The winner lies in the package (tlesynth.autoencoder.coders.lean); the others live here alone, as what it differs from.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import quality
import sides
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from machine import publish, tell
from schooling import Plan, school
from timing import Load
from torch import Tensor, nn

from tlesynth import durable
from tlesynth.autoencoder.coders.lean import LeanCoder, VoxelNorm, depth_to_space, space_to_depth
from tlesynth.autoencoder.learning.objective import objective_of
from tlesynth.autoencoder.networks import FIRST_LOGVAR, Autoencoder
from tlesynth.autoencoder.scans import read_scans
from tlesynth.data.cohort import read_cohort
from tlesynth.recipe import AutoencoderNetwork
from tlesynth.training import fabric_for

ABOUT = "designs of the recommended network at equal core-seconds"
RATE = {"muon": 2e-3, "adam": 1e-3}
GROUPS = 16
THIN = 8
"""Channels of the variant that convolves at full resolution."""


class WithoutLinearPath(LeanCoder):
    """Space to depth and convolutions alone: nothing is given at the start."""

    def __init__(self, settings: AutoencoderNetwork, first_logvar: float) -> None:
        super().__init__(settings, first_logvar)
        nn.init.kaiming_uniform_(self.mean.weight, a=5**0.5)
        for path in (self.from_patch, self.to_patch):
            nn.init.zeros_(path.weight)
            nn.init.zeros_(path.bias)
            path.requires_grad_(False)

    def start_linear(self, voxels: Tensor) -> None:
        """Nothing is started."""


class Haar(WithoutLinearPath):
    """The same behind an orthonormal Haar transform of each 2 x 2 x 2 block instead of its bare voxels."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of ``x`` (B, 1, X, Y, Z)."""
        hidden = self.encode_half(_mixed(space_to_depth(x, 2), haar().to(x)))
        hidden = self.encode_quarter(space_to_depth(hidden, 2))
        return self.mean(hidden), self.logvar(hidden)

    def decode(self, latent: Tensor) -> Tensor:
        """Volumes (B, 1, X, Y, Z) of latents (B, C, x, y, z)."""
        bands = self.decode_half(depth_to_space(self.decode_quarter(latent), 2))
        return depth_to_space(_mixed(bands, haar().T.to(bands)), 2)


class FullResolution(LeanCoder):
    """The lean coder whose decoder ends in thin convolutions at full resolution."""

    def __init__(self, settings: AutoencoderNetwork, first_logvar: float) -> None:
        super().__init__(settings, first_logvar)
        self.decode_half[-1] = nn.Conv3d(settings.channels[0], 8 * THIN, 3, padding=1)
        last = nn.Conv3d(THIN, 1, 3, padding=1)
        nn.init.zeros_(last.weight)
        self.decode_full = nn.Sequential(nn.SiLU(), nn.Conv3d(THIN, THIN, 3, padding=1), nn.SiLU(), last)

    def decode(self, latent: Tensor) -> Tensor:
        """Volumes (B, 1, X, Y, Z) of latents (B, C, x, y, z)."""
        fine = depth_to_space(self.decode_half(depth_to_space(self.decode_quarter(latent), 2)), 2)
        return self.decode_full(fine) + depth_to_space(self.to_patch(latent), 4)


def haar() -> Tensor:
    """The orthonormal Haar transform of a 2 x 2 x 2 block, (8, 8)."""
    pair = torch.tensor([[1.0, 1.0], [1.0, -1.0]]) / 2**0.5
    return torch.kron(torch.kron(pair, pair), pair)


def _mixed(x: Tensor, matrix: Tensor) -> Tensor:
    return F.conv3d(x, matrix[:, :, None, None, None])


def _lean(**changed: Any) -> Autoencoder:
    settings = sides.recommended_settings().network.model_copy(update=changed)
    return Autoencoder(settings, sides.GRID)


def _with(design: type[LeanCoder]) -> Autoencoder:
    network = _lean()
    network.coder = design(network.settings, FIRST_LOGVAR)
    return network


def _group_norm() -> Autoencoder:
    network = _lean()
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, VoxelNorm):
                setattr(module, name, nn.GroupNorm(GROUPS, len(child.gain)))
    return network


DESIGNS: dict[str, tuple[Callable[[], Autoencoder], str, str]] = {
    "recommended": (_lean, "muon", "the recipe's: linear path, voxelwise norm, 32 and 128 channels, Muon"),
    "adam": (_lean, "adam", "the same by Adam"),
    "group norm": (_group_norm, "muon", "normalised over space in 16 groups"),
    "wide": (lambda: _lean(channels=(64, 128)), "muon", "64 channels at half resolution"),
    "thin": (lambda: _lean(channels=(16, 128)), "muon", "16 channels at half resolution"),
    "no linear path": (lambda: _with(WithoutLinearPath), "muon", "space to depth alone"),
    "haar": (lambda: _with(Haar), "muon", "a Haar transform before and after, no linear path"),
    "full resolution": (lambda: _with(FullResolution), "muon", "8 channels convolved at full resolution at the end"),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part: those of ``quality``, and which designs."""
    quality.arguments(parser)
    parser.add_argument("--designs", nargs="+", choices=list(DESIGNS), default=list(DESIGNS))
    parser.set_defaults(crop=[48, 48, 48], steps=1, budget=100.0, perceptual="none")


def run(given: argparse.Namespace, out: Path) -> None:
    """Train every design that has no curve yet, then publish all curves."""
    cohort = read_cohort(given.derivatives)
    plan = Plan(quality.settings_of(given), given.steps, given.budget, given.seed, cohort.grid.spacing)
    scans, judge = read_scans(cohort, given.splits, "gen_train"), quality.judge_of(cohort, given)
    fabric = fabric_for(given.device, given.precision)
    objective = objective_of(plan.settings, cohort.grid, fabric.device)
    asked = vars(given) | quality.WITHOUT_PLACES | {"designs": None}
    identity = durable.hash_of([plan.settings.model_dump(mode="json"), asked])
    paths = {name: given.curves / f"{name.replace(' ', '-')}.json" for name in given.designs}
    for name, path in paths.items():
        if not quality.done_before(path, identity):
            tell(f"{name}: {given.budget:g} core-seconds")
            durable.write_json(path, _curve(name, plan, (scans, judge, objective, fabric)) | {"identity": identity})
    curves = {name: durable.read_json(path) for name, path in paths.items()}
    publish("designs", {"how": quality.how_of(given, plan), "curves": curves}, out)


def _curve(name: str, plan: Plan, lesson: tuple[Any, Any, Any, Fabric]) -> dict[str, Any]:
    build, optimizer, about = DESIGNS[name]
    scans, judge, objective, fabric = lesson
    asked = replace(plan, optimizer=optimizer)
    with Load() as load:
        points = school(lambda: sides.seeded(build), RATE[optimizer], scans, judge, asked, objective, fabric)
    facts = {"about": about, "optimizer": optimizer, "gflop": sides.gflop(build), "load": load.result()}
    return facts | {"parameters": sum(p.numel() for p in build().parameters()), "points": points}
