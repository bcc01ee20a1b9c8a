"""What can be told from the simulated cohort at its own severity: python benchmarks/severity/proof.py OUT.

Draws the mesial temporal lobes of 1,000 subjects, half of them patients, and cross-validates in five folds (800 teach,
200 are judged): the package's 3D network on images, a support vector machine on the two hippocampal volumes, and the
network on labels that were dealt out anew among the subjects, which nothing can tell. Each AUC stands with its 95 %
interval over subjects and the goal that was set for it.

OUT keeps every crop and every fold: the same command goes on where it stopped. It writes OUT/proof.json; the file
beside this script was made so. ``--subjects 40`` tries it in a minute.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "harness"))
from machine import machine

from tlesynth import durable
from tlesynth.classifier.severity import Crops, draw_crops, train_fold, training_identity
from tlesynth.classifier.volumetry import Scored, hippocampus_scores
from tlesynth.data import enigma
from tlesynth.data.simulate.cohort import drawn_truth
from tlesynth.data.simulate.presets import severity_scale
from tlesynth.errors import fail
from tlesynth.progress import bar, say
from tlesynth.recipe import Simulate
from tlesynth.seeds import generator

GOALS = {"network": (0.85, 0.92), "hippocampus": (0.74, 0.80), "permuted": (0.5, 0.5)}
OWN, PERMUTED = "own", "permuted"


class CropFolder(MutableMapping[str, np.ndarray]):
    """Crops by participant, a file each, so that no killed run draws one twice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> np.ndarray:
        return np.load(self._path(name), allow_pickle=False)

    def __setitem__(self, name: str, crop: np.ndarray) -> None:
        with durable.replacing(self._path(name)) as temporary:
            np.save(temporary, crop)

    def __delitem__(self, name: str) -> None:
        self._path(name).unlink()

    def __contains__(self, name: object) -> bool:
        return self._path(str(name)).is_file()

    def __iter__(self) -> Iterator[str]:
        return (path.stem for path in self.folder.glob("sub-*.npy"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"


def main() -> None:
    """Measure, or go on with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--subjects", type=int, default=1000)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--scale", help="severity; the preset's own 1 if left out, a number, or 'calibrated'")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=0, help="processes that draw; 0: one a core")
    given = parser.parse_args()
    half = given.subjects // 2
    settings = {"preset": given.preset, "n_hc": given.subjects - half, "n_tle": half, "failed_scans": 0.0}
    if given.scale is not None:
        settings["severity_scale"] = given.scale if given.scale == "calibrated" else float(given.scale)
    found = proof(Simulate.model_validate(settings), given.out, given.seed, given.device, given.jobs)
    say(told(found))


def proof(settings: Simulate, out: Path, seed: int, device: str, jobs: int) -> dict[str, Any]:
    """Every AUC as JSON, written to ``out``/proof.json.

    Raises:
        TlesynthError: CFG-010 if ``out`` holds crops of another cohort.
    """
    cohort = {"settings": settings.model_dump(mode="json"), "seed": seed}
    cohort["settings"]["severity_scale"] = severity_scale(settings)
    if (out / "cohort.json").is_file() and durable.read_json(out / "cohort.json") != cohort:
        raise fail("CFG-010", out, "it holds the crops of another cohort")
    durable.write_json(out / "cohort.json", cohort)
    crops = draw_crops(settings, seed, jobs, CropFolder(out / "crops"))
    truth = drawn_truth(settings, seed)
    dealt = dealt_anew(crops, seed)
    own = cross_validated(crops, out / "folds", OWN, seed, device)
    permuted = cross_validated(Crops(crops.images, dealt, crops.fold), out / "folds", PERMUTED, seed, device)
    noisy, exact = (enigma.measured(truth, seed, noise) for noise in (enigma.MEASURING_NOISE, 0.0))
    found = {
        "identity": cohort | {"training": training_identity()},
        "subjects": {"judged": len(crops.positive), "taught in each fold": int((crops.fold != 0).sum())},
        "network": figure(own, seed, "network"),
        "hippocampus": figure(hippocampus_scores(noisy, crops.positive, seed), seed, "hippocampus"),
        "permuted": figure(permuted, seed, "permuted"),
        "network_by_sclerosis": by_sclerosis(own, truth["hs"].astype(str).to_numpy(), seed),
        "exact_hippocampus": figure(hippocampus_scores(exact, crops.positive, seed), seed),
        "permuted_hippocampus": figure(hippocampus_scores(noisy, dealt, seed), seed),
        "machine": machine(),
        "device": device,
    }
    durable.write_json(out / "proof.json", found)
    return found


def dealt_anew(crops: Crops, seed: int) -> np.ndarray:
    """The labels (N,) of each fold among its subjects: every fold keeps as many patients as it had."""
    labels = crops.positive.copy()
    for fold in np.unique(crops.fold):
        here = crops.fold == fold
        labels[here] = generator(seed, "permuted labels", int(fold)).permutation(labels[here])
    return labels


def cross_validated(crops: Crops, folder: Path, labels: str, seed: int, device: str) -> Scored:
    """Out-of-fold logits; a fold that this training has scored is read."""
    training, score = durable.hash_of([training_identity(), device])[:8], np.zeros(len(crops.positive))
    every = np.unique(crops.fold)
    with bar(f"folds with {labels} labels", len(every)) as shown:
        for fold in every:
            path = folder / f"{labels}-{training}-{fold}.json"
            if not path.is_file():
                durable.write_json(path, train_fold(crops, int(fold), seed=seed, device=device).tolist())
            score[crops.fold == fold] = durable.read_json(path)
            shown.advance()
    return Scored(score, crops.positive, crops.fold)


def by_sclerosis(scored: Scored, hs: np.ndarray, seed: int) -> dict[str, Any]:
    """Patients with sclerosis, and those whose scans are called negative, each against all controls."""
    rows = {"sclerosis": hs == "yes", "mri_negative": hs == "no"}
    kept = {name: ~scored.positive | chosen for name, chosen in rows.items()}
    return {n: figure(Scored(scored.score[k], scored.positive[k], scored.fold[k]), seed) for n, k in kept.items()}


def figure(scored: Scored, seed: int, name: str = "") -> dict[str, Any]:
    """An AUC with its interval, and whether it lies in its goal; a goal of one value has to lie in the interval."""
    low, high = scored.interval(seed)
    found: dict[str, Any] = {"auc": round(scored.auc(), 4), "low": round(low, 4), "high": round(high, 4)}
    if name:
        least, most = GOALS[name]
        met = low <= least <= high if least == most else least <= found["auc"] <= most
        found |= {"goal": [least, most], "met": bool(met)}
    return found


def told(found: dict[str, Any]) -> str:
    """The figures as lines of text."""
    rows = {name: found[name] for name in (*GOALS, "exact_hippocampus", "permuted_hippocampus")}
    rows |= {f"network, {name}": row for name, row in found["network_by_sclerosis"].items()}
    lines = []
    for name, row in rows.items():
        goal = (
            f"  goal {row['goal'][0]} to {row['goal'][1]}: {'met' if row['met'] else 'missed'}" if "goal" in row else ""
        )
        lines.append(f"{name:<24} {row['auc']:.3f} [{row['low']:.3f}, {row['high']:.3f}]{goal}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
