"""What a small model learns of its training scans by heart: variants of the recipe ``demo``, measured alike.

A variant is trained as ``tlesynth train diffusion`` does, in a run folder of its own: what is finished is not trained
again. Then it is asked who it was trained on (the evaluation's membership test), and what it draws is compared with the
scans it never saw.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from machine import publish, tell
from timing import Load

from tlesynth import durable, recipe
from tlesynth.autoencoder.model import load_autoencoder
from tlesynth.diffusion.latents import Latents, read_latents, rows_of
from tlesynth.diffusion.learning import Task, errors_of
from tlesynth.diffusion.model import Diffusion, load_diffusion
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.diffusion.scoring import energy_distance, floor
from tlesynth.diffusion.train import train_diffusion
from tlesynth.evaluation.membership import Models, denoising_errors, latents_of, membership
from tlesynth.metrics.statistics import Resampling
from tlesynth.privacy.drawing import drawn_alike
from tlesynth.privacy.neighbours import euclidean_distances, nearness
from tlesynth.seeds import generator, torch_generator
from tlesynth.training import fabric_for

ABOUT = "what variants of the recipe demo learn by heart: held-out error, membership, distances of what they draw"
TRAINED, UNSEEN = ("gen_train",), ("val", "test", "audit_holdout")
HALF = ("network.width=96", "network.heads=2", "validate_every=200", "copy_watch.samples=0")


@dataclass(frozen=True)
class Variant:
    """Settings of the section ``diffusion`` that differ, and whether moved copies are learnt from too."""

    settings: tuple[str, ...]
    moved: bool = False


VARIANTS = {
    "untrained": Variant(("steps=1", "validate_every=1", "learning_rate=1e-6", "copy_watch.samples=0")),
    "400 steps of half the width": Variant((*HALF, "steps=400")),
    "the same with moved copies": Variant((*HALF, "steps=400"), moved=True),
    "800 steps of half the width with moved copies": Variant((*HALF, "steps=800"), moved=True),
    "1200 steps of width 192": Variant(("network.width=192", "network.heads=4", "steps=1200", "validate_every=150")),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("latents", type=Path, help="folder that encode wrote")
    parser.add_argument("splits", type=Path)
    parser.add_argument("--moved", type=Path, help="the same with encode.moved_copies, for the variants that want it")
    parser.add_argument("--autoencoder", type=Path, required=True, help="model folder of the one that encoded")
    parser.add_argument("--work", type=Path, required=True, help="folder of the variants' runs")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), metavar="VARIANT")
    parser.add_argument("--set", nargs="+", default=[], metavar="A=B", help="diffusion settings that all share")
    parser.add_argument("--draws", type=int, default=12, help="noise draws a scan for the membership test")
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--steps", type=int, default=10, help="of the sampler")


def run(given: argparse.Namespace, out: Path) -> None:
    """Train what is not finished, measure, publish; rows of other variants that stand in ``out`` are kept."""
    found = durable.read_json(out)["variants"] if out.is_file() else {}
    with Load() as load:
        for name in given.variants:
            tell(name)
            found[name] = _one(name, VARIANTS[name], given)
    how = {
        "membership": f"AUC of the denoising error, {given.draws} draws a scan, training scans against unseen ones",
        "energy": f"energy distance of {given.samples} draws ({given.steps} steps) to unseen and to training scans",
        "nearer": "share of draws nearer to a training scan than to an unseen one, in latents; of new ones half is",
        "cpu_s": "CPU time of training; null where it was not taken down",
    }
    publish("byheart", {"variants": found, "how": how, "load": load.result()}, out)


def _one(name: str, variant: Variant, given: argparse.Namespace) -> dict[str, Any]:
    settings = recipe.load("demo", [f"diffusion.{one}" for one in (*given.set, *variant.settings)])
    latents, folder = given.moved if variant.moved else given.latents, given.work / name.replace(" ", "_")
    seconds = _trained(settings, latents, given.splits, folder)
    model = load_diffusion(folder / "model")
    models = Models(load_autoencoder(given.autoencoder), model, latents, torch.device("cpu"))
    errors = [
        denoising_errors(models, latents_of(models, given.splits, who, ids), given.draws, 0)
        for who, ids in zip((TRAINED, UNSEEN), _asked(latents, given.splits, settings), strict=True)
    ]
    trained, unseen, val = (_read(latents, given.splits, who, model) for who in (TRAINED, UNSEEN, ("val",)))
    task, fabric = Task(model.process, model.conditions, settings.seed), fabric_for("cpu", "32-true")
    return {
        "parameters": sum(p.numel() for p in model.network.parameters()),
        "cpu_s": seconds,
        "val_score": round(float(errors_of(model.network, val, task, fabric).mean()), 5),
        "unseen_over_trained": round(float(errors[1].mean() / errors[0].mean()), 4),
        "membership": membership(errors[0], errors[1], 0.95)["auc"],
    } | _drawn(model, trained, unseen, given, settings)


def _asked(latents: Path, splits: Path, settings: recipe.Recipe) -> tuple[list[str], list[str]]:
    """Training and unseen scans of whom the denoiser is asked, as ``evaluate`` draws them."""
    sides = [pd.concat([rows_of(latents, splits, name) for name in who]) for who in (TRAINED, UNSEEN)]
    people, ids = pd.concat(sides).set_index("participant_id"), [list(side["participant_id"]) for side in sides]
    return drawn_alike(ids[0], ids[1], settings.privacy.membership_scans, people, settings.seed, "audit")


def _trained(settings: recipe.Recipe, latents: Path, splits: Path, folder: Path) -> float | None:
    """CPU-seconds that the run in ``folder`` took, now or when it was trained."""
    begun, note = time.process_time(), folder / "cpu_seconds.json"
    if not (folder / "done.json").is_file():
        how = {"seed": settings.seed, "device": "cpu", "precision": settings.precision}
        train_diffusion(latents, splits, folder, settings.diffusion, **how)
        durable.write_json(note, {"cpu_s": round(time.process_time() - begun, 1)})
    return durable.read_json(note)["cpu_s"] if note.is_file() else None


def _read(latents: Path, splits: Path, who: tuple[str, ...], model: Diffusion) -> Latents:
    rows = pd.concat([rows_of(latents, splits, name) for name in who])
    return read_latents(latents, rows, model.conditions)


def _drawn(
    model: Diffusion, trained: Latents, unseen: Latents, given: argparse.Namespace, settings: recipe.Recipe
) -> dict[str, Any]:
    """Draws under the conditions of training scans, evenly from first to last, beside both kinds of scans."""
    told = trained.conditions[torch.linspace(0, len(trained) - 1, given.samples).long()]
    noise = [torch_generator(0, "benchmark", "by heart", i) for i in range(given.samples)]
    plan = Plan(model.process, sampler=settings.sample.sampler, steps=given.steps, guidance=settings.sample.guidance)
    z = sample_latents(model.network, told, model.latent_shape, noise, plan).latents
    rows, seen, new = (x.float().flatten(1).numpy() for x in (z, trained.values, unseen.values))
    how = Resampling(1000, 0.95, generator(0, "benchmark", "by heart"))
    near = nearness(euclidean_distances(rows, seen), euclidean_distances(rows, new), 50, how)
    return {
        "energy": {
            "unseen": round(energy_distance(z, unseen.values.float()), 5),
            "training": round(energy_distance(z, trained.values.float()), 5),
            "floor": round(floor(trained.values, unseen.values, given.samples, generator(0, "benchmark", "floor")), 5),
        },
        "spread": round(float(np.std(rows, 0).mean() / np.std(new, 0).mean()), 3),
        "nearer": near.get("share", near),
    }
