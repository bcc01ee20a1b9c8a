"""What `tlesynth evaluate` costs: time and memory by the number of volumes, each size in a process of its own."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from machine import publish, tell
from prepared import prepare, run_folder
from stages import INNER, PARTS, Clock
from timing import THREADS, Load

from processes import measured
from tlesynth import durable, recipe

ABOUT = "time and memory of `tlesynth evaluate` by the number of volumes, and whether they grow in proportion"
SCRIPT = Path(__file__).parents[1] / "evaluation.py"
SIZES = (25, 50, 100, 200)
MOST_MINUTES, MOST_GB, MOST_DOUBLED = 30.0, 6.0, 2.2
"""The targets at the largest size, and the growth on doubling that still counts as in proportion."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("derivatives", type=Path, nargs="?", help="preprocessed real scans, enlarged by bent copies")
    parser.add_argument("--splits", type=Path, help="their splits.tsv; copies stand where their scan does")
    parser.add_argument("--synthetic", type=Path, help="a synthetic cohort; left out: training scans bent otherwise")
    parser.add_argument("--autoencoder", type=Path, help="model folder")
    parser.add_argument("--diffusion", type=Path, help="model folder")
    parser.add_argument("--work", type=Path, help="folder that keeps both sides and what was measured")
    parser.add_argument("--n", type=int, nargs="+", default=list(SIZES), help="volumes on each side, rising")
    parser.add_argument("--prepare", action="store_true", help="only make both sides")
    parser.add_argument("--set", nargs="*", default=[], metavar="A.B=C", help="of the recipe that evaluates")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)


def run(given: argparse.Namespace, out: Path) -> None:
    """Prepare, measure and publish, or be one of the measured processes."""
    if given.child:
        print(json.dumps(evaluated(given.child)))
        return
    if missing := [o for o in ("derivatives", "splits", "autoencoder", "diffusion", "work") if not getattr(given, o)]:
        raise SystemExit(f"cost needs {', '.join(missing)}")
    sides = prepare(given, max(given.n))
    if given.prepare:
        tell(f"both sides lie in {given.work}")
        return
    found: dict[int, dict[str, Any]] = {}
    with Load() as load:
        for n in sorted(given.n):
            kept = given.work / "measured" / f"{n}.json"
            if not kept.is_file():
                durable.write_json(kept, _one(run_folder(sides, n, given)))
            found[n] = durable.read_json(kept)
            tell(f"{n:4d} against {n}: {found[n]['wall_s']:.0f} s, {found[n]['peak_gb']:.2f} GB")
    how = {"grid": sides.real.grid.name, "scans": "scans of the cohort and bent copies", "load": load.result()}
    publish("cost", verdicts(found) | how, out)


def evaluated(run: Path) -> dict[str, Any]:
    """Evaluate a run folder as the verb does; core-seconds and wall time by part, and what was not computed."""
    from tlesynth.pipeline.judging import evaluate

    clock = Clock()
    for name, place in (PARTS | INNER).items():
        clock.around(name, place)
    results = evaluate(run, recipe.load(run / "recipe.yaml"), data="planted", truth=None)
    n = {kind: sum(groups.values()) for kind, groups in results["about"]["n"].items()}
    return {"wall": clock.wall, "core": clock.core, "missing": missing_in(results), "splits": n}


def missing_in(results: Any, at: str = "") -> dict[str, str]:
    """What says ``not_computed`` in ``results``, by its path, and why; the verdict only repeats it."""
    if not isinstance(results, dict) or at == "/verdict":
        return {}
    if "not_computed" in results:
        return {at: results["not_computed"]}
    return {place: why for key, part in results.items() for place, why in missing_in(part, f"{at}/{key}").items()}


def verdicts(found: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Growth, the line through it and the targets from what each size took."""
    sizes = sorted(found)
    core = [found[n]["core_s"] / THREADS for n in sizes]
    wall = [found[n]["wall_s"] for n in sizes]
    doubled = {
        str(2 * n): {"time": round(core[sizes.index(2 * n)] / core[i], 3), "most": MOST_DOUBLED}
        for i, n in enumerate(sizes)
        if 2 * n in sizes
    }
    most = found[sizes[-1]]
    return {
        "unit": "seconds; core-seconds / threads; GB (10^9 bytes) resident, children included",
        "sizes": {str(n): found[n] for n in sizes},
        "fit": {"core": line(sizes, core), "wall": line(sizes, wall)},
        "doubled": doubled,
        "linear": all(entry["time"] <= MOST_DOUBLED for entry in doubled.values()) if doubled else None,
        "n": sizes[-1],
        "minutes": {
            "value": round(most["wall_s"] / 60, 2),
            "most": MOST_MINUTES,
            "met": most["wall_s"] / 60 < MOST_MINUTES,
        },
        "memory_gb": {"value": most["peak_gb"], "most": MOST_GB, "met": most["peak_gb"] < MOST_GB},
    }


def line(sizes: list[int], seconds: list[float]) -> dict[str, float] | None:
    """Least squares: seconds a volume on each side, seconds whatever their number, and the share explained."""
    if len(sizes) < 2:
        return None
    slope, intercept = np.polyfit(sizes, seconds, 1)
    rest = np.array(seconds) - (slope * np.array(sizes) + intercept)
    spread = np.var(seconds)
    told = 1 - float(np.var(rest) / spread) if spread else 1.0
    return {"slope_s": round(float(slope), 4), "intercept_s": round(float(intercept), 2), "r2": round(told, 5)}


def _one(run: Path) -> dict[str, Any]:
    """Evaluate ``run`` in a process of its own."""
    words = [sys.executable, str(SCRIPT), "cost", "--child", str(run)]
    used = measured(words)
    told = json.loads(used.printed.splitlines()[-1])
    parts = {
        name: {"wall_s": round(told["wall"][name], 2), "core_s": round(told["core"][name] / THREADS, 2)}
        for name in (*PARTS, *INNER)
    }
    return {
        "wall_s": round(used.wall_s, 2),
        "core_s": round(used.core_s, 2),
        "peak_gb": round(used.peak_gib * 2**30 / 1e9, 3),
        "parts": {name: parts[name] for name in PARTS},
        "of_which": {name: parts[name] for name in INNER},
        "splits": told["splits"],
        "not_computed": told["missing"],
    }
