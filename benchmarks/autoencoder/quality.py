"""Equal steps and equal core-seconds on held-out real brains: our two networks, MAISI's and a small one of MONAI (P15).

A network's curve is a file of its own: what is done is not done again, and a stopped run goes on with the next network.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import sides
import torch
from curves import at_seconds, at_step, is_no_worse, share_of_compute
from judging import Judge, boxes_of
from lightning_fabric import Fabric
from machine import machine, publish, tell
from schooling import EMA_DECAY, WARM_UP, Plan, school
from timing import Load
from torch import nn

from tlesynth import durable, recipe
from tlesynth.autoencoder.learning.objective import Objective, objective_of
from tlesynth.autoencoder.scans import Scans, participants_of, read_scans
from tlesynth.data.cohort import Cohort, read_cohort
from tlesynth.recipe.augmentation import Augmentation
from tlesynth.training import fabric_for
from tlesynth.volume import Grid
from tlesynth.weights import available, lpips_name, lpips_network

ABOUT = "held-out quality at equal steps and at equal core-seconds, as learning curves (P15)"
RATES = {"recommended": 2e-3, "paper": 1e-3, "maisi": 1e-4, "small": 5e-4}
"""Learning rates: of our recipes, and MAISI's own; a name such as maisi@5e-4 tries another."""
AGAINST_MAISI = ("l1_brain", "psnr_brain_db", "l1_hippocampus")
AGAINST_PAPER = ("l1_brain", "psnr_brain_db", "l1_hippocampus")
BIAS = "hippocampus_bias_percent"
OPTIMIZERS = {"recommended": "muon"}
"""Of its recipe; every other network learns by Adam."""
CURVE_FIGURE = "crop_l1"
BOXES = 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("derivatives", type=Path, help="preprocessed real brains")
    parser.add_argument("splits", type=Path, help="its splits.tsv: gen_train is learnt from, val is held out")
    parser.add_argument("--networks", nargs="+", default=["maisi", "recommended", "paper", "small"])
    parser.add_argument("--curves", type=Path, required=True, help="folder of the curves, one file a network")
    parser.add_argument("--crop", type=int, nargs=3, default=[64, 64, 64], help="voxels, multiples of 4")
    parser.add_argument("--steps", type=int, default=200, help="equal steps")
    parser.add_argument("--budget", type=float, default=600, help="equal core-seconds (divided by threads)")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--held-out", type=int, default=4, help="scans of val that are judged")
    parser.add_argument("--perceptual", choices=["none", "ssim3d", "lpips-squeeze", "lpips-alex"], default="ssim3d")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--seed", type=int, default=0)


def run(given: argparse.Namespace, out: Path) -> None:
    """Train what has no curve yet, then publish all curves and what they say."""
    plan = Plan(settings_of(given), given.steps, given.budget, given.seed, read_cohort(given.derivatives).grid.spacing)
    identity = durable.hash_of([plan.settings.model_dump(mode="json"), vars(given) | WITHOUT_PLACES])
    missing = [name for name in given.networks if not done_before(given.curves / f"{name}.json", identity)]
    if missing:
        _train(missing, given, plan, identity)
    curves = {name: durable.read_json(given.curves / f"{name}.json") for name in given.networks}
    publish("quality", verdict(curves, plan) | {"how": how_of(given, plan), "curves": curves}, out)


WITHOUT_PLACES = dict.fromkeys(("derivatives", "splits", "curves", "networks", "out", "part"))


def verdict(curves: dict[str, dict[str, Any]], plan: Plan) -> dict[str, Any]:
    """Figures at equal steps and at equal core-seconds, how little compute reaches MAISI's L1, and the gate."""
    points = {name: [p for p in curve["points"] if "refused" not in p] for name, curve in curves.items()}
    whole = {name: [p for p in made if "l1_brain" in p] for name, made in points.items()}
    steps = {name: at_step(made, plan.steps) for name, made in whole.items()}
    seconds = {name: at_seconds(made, _ends(made, plan.budget)) for name, made in whole.items()}
    result: dict[str, Any] = {"equal_steps": steps, "equal_core_seconds": seconds}
    peers = [name for name in points if name.startswith("maisi")]
    if "recommended" not in points:
        return result
    ours = points["recommended"]
    result["share_of_compute"] = {
        name: {
            "to_equal_steps": _share(ours, points[name], plan.steps),
            "to_the_end": share_of_compute(ours, points[name], CURVE_FIGURE),
        }
        for name in points
        if name != "recommended"
    }
    best = min(peers, key=lambda name: steps[name]["l1_brain"]) if peers else None
    gate: dict[str, Any] = {}
    if best:
        figures = [*AGAINST_MAISI, *(name for name in steps[best] if name.startswith("lpips"))]
        gate["no worse than MAISI at equal steps"] = _compared(steps["recommended"], steps[best], figures)
        gate["its best learning rate"] = best
    if "paper" in points:
        gate["no worse than paper at equal steps"] = _compared(steps["recommended"], steps["paper"], AGAINST_PAPER)
        equal = _compared(seconds["recommended"], seconds["paper"], AGAINST_PAPER)
        gate["no worse than paper at equal core-seconds"] = equal
    return result | {"gate": gate}


def _train(names: list[str], given: argparse.Namespace, plan: Plan, identity: str) -> None:
    fabric = fabric_for(given.device, given.precision)
    cohort = read_cohort(given.derivatives)
    objective = objective_of(plan.settings, cohort.grid, fabric.device)
    scans = read_scans(cohort, given.splits, "gen_train")
    judge = judge_of(cohort, given)
    for name in names:
        tell(f"{name}: {given.steps} steps and {given.budget:g} core-seconds")
        _curve(name, given.curves / f"{name}.json", identity, (scans, judge, plan, objective, fabric), cohort.grid)


def _curve(
    name: str, path: Path, identity: str, lesson: tuple[Scans, Judge, Plan, Objective, Fabric], grid: Grid
) -> None:
    build, rate = _network(name, grid)
    scans, judge, plan, objective, fabric = lesson
    plan = replace(plan, optimizer=OPTIMIZERS.get(name.partition("@")[0], plan.optimizer))
    with Load() as load:
        points = school(lambda: sides.seeded(build), rate, scans, judge, plan, objective, fabric)
    about = {
        "network": name,
        "learning_rate": rate,
        "optimizer": plan.optimizer,
        "parameters": sum(p.numel() for p in build().parameters()),
    }
    durable.write_json(
        path, about | {"identity": identity, "load": load.result(), "machine": machine(), "points": points}
    )


def _network(name: str, grid: Grid) -> tuple[Callable[[], nn.Module], float]:
    """Maker and learning rate of ``recommended``, ``paper``, ``maisi``, ``small``, or of one of them ``@`` a rate."""
    kind, _, rate = name.partition("@")
    makers: dict[str, Callable[[], nn.Module]] = {
        "recommended": lambda: sides.recommended(grid),
        "paper": lambda: sides.paper(grid),
        # Splitting only saves memory; without it MAISI runs on any crop, 8 % faster: to its advantage.
        "maisi": lambda: sides.maisi(num_splits=1),
        "small": sides.small,
    }
    return makers[kind], float(rate) if rate else RATES[kind]


def judge_of(cohort: Cohort, given: argparse.Namespace) -> Judge:
    ids = tuple(participants_of(cohort, given.splits, "val")[: given.held_out])
    here = "squeezenet1_1" in available()
    return Judge(
        cohort,
        ids,
        boxes_of(cohort, ids, tuple(given.crop), BOXES, given.seed),
        lpips_network("squeeze") if here else None,
        lpips_name("squeeze") if here else "",
        given.seed,
    )


def settings_of(given: argparse.Namespace) -> recipe.Autoencoder:
    """The recipe's loss and clipping with this benchmark's crop and batch, and no augmentation."""
    base = sides.recommended_settings()
    first = base.reconstruction.model_copy(update={"batch_size": given.batch, "accumulate": 1})
    changed = {"reconstruction": first, "crop": tuple(given.crop), "augmentation": Augmentation()}
    return base.model_copy(update=changed | {"perceptual": given.perceptual})


def how_of(given: argparse.Namespace, plan: Plan) -> dict[str, Any]:
    settings = plan.settings
    return {
        "data": given.derivatives.name,
        "crop": given.crop,
        "batch": given.batch,
        "held_out_scans": given.held_out,
        "loss": f"{settings.l1:g} L1 + {settings.perceptual_weight:g} {settings.perceptual} + {settings.kl:g} KL",
        "learning_rate": f"warm-up of {WARM_UP} steps, then constant; judged: average of weights, decay {EMA_DECAY}",
        "peers": "log-variance starts at -6 as ours does; MAISI with num_splits 1 and norm_float16 off",
        "unit": "core_seconds: CPU time of training alone / threads; wall seconds on cuda",
        "points": "crop_*: boxes of held-out scans in training precision; others: whole volumes in float32",
        "torch": torch.__version__,
    }


def _share(ours: list[Any], peer: list[Any], steps: int) -> float | None:
    return share_of_compute(ours, [p for p in peer if p["step"] <= steps], CURVE_FIGURE)


def _compared(ours: dict[str, Any], theirs: dict[str, Any], figures: Any) -> dict[str, bool]:
    found = {name: is_no_worse(name, ours[name], theirs[name]) for name in figures}
    measured = BIAS in ours and BIAS in theirs
    return found | ({BIAS: abs(ours[BIAS]) <= abs(theirs[BIAS])} if measured else {})


def _ends(whole: list[Any], budget: float) -> float:
    """The point made when the budget was full lies just behind it; without a budget, the last point."""
    behind = [p["core_seconds"] for p in whole if p["core_seconds"] >= budget]
    return min(behind) if budget and behind else whole[-1]["core_seconds"]


def done_before(path: Path, identity: str) -> bool:
    if not path.is_file():
        return False
    if durable.read_json(path)["identity"] != identity:
        raise SystemExit(f"{path.name} was made with other settings: give another --curves folder")
    return True
