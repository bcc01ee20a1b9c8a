"""A small run folder, fabricated: every file the report reads, with seeded values that mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable, recipe
from tlesynth.data.cohort import CohortWriter
from tlesynth.report import figures, page
from tlesynth.report.sources import Files
from tlesynth.volume import GRIDS, write

from . import studies

GRID = GRIDS["mni-3mm"]
ARMS = ("real", "synthetic", "real+0.25", "real+0.5")


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run; tests that change it make a copy."""
    return fabricate(tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture(scope="session")
def drawn(finished_run: Path) -> figures.Figures:
    """The figures of the complete run, drawn once."""
    return figures.collect(Files(finished_run))


@pytest.fixture(scope="session")
def report(finished_run: Path, drawn: figures.Figures) -> str:
    """The report of the complete run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "collect", lambda files: drawn)
        return page.render(finished_run)


def fabricate(run: Path, per_group: int = 8) -> Path:
    """Write a run with ``per_group`` real and synthetic scans of each group."""
    draw = np.random.default_rng(5)
    durable.write_text(run / "recipe.yaml", recipe.dump(recipe.load("demo")))
    real = _participants("sub-R", per_group)
    _cohort(run / "derivatives", "preproc", real, draw)
    _cohort(run / "synthetic", "synthetic", _participants("sub-syn", per_group), draw)
    _tables(run, real, draw)
    _cohort(run / "reconstructions", "recon", real[real.index.isin(_test_ids(run))], draw)
    _film(run / "film", draw)
    for name in ("autoencoder", "diffusion", *(f"classifier/{arm}" for arm in ARMS)):
        _training(run / name, draw)
    durable.write_json(run / "autoencoder" / "gate.json", {"verdict": "passed"})
    durable.write_json(run / "evaluation" / "results.json", results(per_group))
    durable.write_json(run / "study" / "score.json", studies.score("yes-no"))
    for stage, seconds in {"preprocess": 61.2, "train-autoencoder": 142.0}.items():
        durable.write_json(
            run / "stages" / f"{stage}.json", {"state": "finished", "seconds": seconds, "version": "0.1.0"}
        )
    return run


def phantom(draw: np.random.Generator, shrink: str | None = None) -> np.ndarray:
    """A head of ellipsoids on [0, 1]; ``shrink`` makes one side's hippocampus smaller."""
    x, y, z = GRID.world()
    size = draw.normal(1, 0.03)
    brain = ((x / 66) ** 2 + ((y + 18) / 84) ** 2 + ((z - 12) / 62) ** 2 < size).astype(np.float32)
    voxels = brain * (0.62 + 0.12 * np.sin(x / 7) * np.cos(y / 8) * np.sin(z / 6 + size))
    voxels[((np.abs(x) - 9) / 6) ** 2 + ((y + 10) / 28) ** 2 + ((z - 16) / 10) ** 2 < 1] = 0.15
    for side, centre in (("left", -27), ("right", 27)):
        radius = 5 if side == shrink else 8
        voxels[((x - centre) / radius) ** 2 + ((y + 21) / 18) ** 2 + ((z + 15) / radius) ** 2 < 1] = 0.5
    return np.clip(voxels + brain * draw.normal(0, 0.03, GRID.shape), 0, 1).astype(np.float32)


def interval(value: float, half: float, n: int) -> dict[str, Any]:
    return {"value": value, "low": round(value - half, 6), "high": round(value + half, 6), "n": n}


def results(n: int) -> dict[str, Any]:
    """results.json as the evaluation writes it."""
    missing = {"not_computed": "weights missing: inception-v3", "command": "tlesynth weights fetch inception-v3"}
    lpips = {"not_computed": "weights missing: lpips-alex", "command": "tlesynth weights fetch lpips-alex"}
    distance = {"value": interval(4.31, 0.6, n), "floor": interval(1.52, 0.4, n), "ratio": 2.84}
    metrics = ("accuracy", "precision", "recall", "f1", "auc_roc", "aucpr")
    arms = {
        arm: {m: interval(round(0.7 + 0.02 * place + 0.013 * k, 4), 0.11, 24) for k, m in enumerate(metrics)}
        | {"confusion": {"tp": 9 + place, "fp": 4, "tn": 8, "fn": 3 - place % 3}, "threshold": 0.4875}
        | {"n_train": {"real": 0 if arm == "synthetic" else 36, "synthetic": 9 * place}}
        for place, arm in enumerate(ARMS)
    }
    return {
        "about": {
            "recipe": "demo",
            "seed": 7,
            "data": "simulated",
            "banner": "Simulated scans: no person was scanned, and the disease was planted.",
            "n": {"test": {"hc": 2, "tle": 2}},
            "synthetic": {"hc": n, "tle": n},
            "confidence": 0.95,
            "provenance": {"splits.tsv": "ab" * 32, "derivatives/participants.tsv": "cd" * 32},
        },
        "reconstruction": {
            "split": "test",
            "n": 4,
            "whole": {"l1": interval(0.0213, 0.002, 4)},
            "brain": {"l1": interval(0.0612, 0.004, 4)},
            "psnr_db": interval(24.31, 0.7, 4),
            "ssim": interval(0.871, 0.02, 4),
            "hippocampus_l1": interval(0.0544, 0.006, 4),
            "lpips": lpips,
            "fid": missing,
        },
        "frechet": {
            "features": "radiomic-42",
            "reference": "real scans outside gen_train",
            "hc": distance | {"n_real": n, "n_synthetic": n},
            "tle": distance | {"ratio": 3.61, "n_real": n, "n_synthetic": n},
            "cross": {"hc_to_tle": interval(5.1, 0.6, n), "tle_to_hc": interval(4416.52, 80, n)},
        },
        "fid": {"hc": missing, "tle": missing},
        "diversity": {
            "metric": "MS-SSIM (kernel 7)",
            "reference": "real scans of gen_train",
            "hc": {"synthetic": interval(0.842, 0.01, n), "real": interval(0.836, 0.01, n), "pairs": 100},
            "tle": {"synthetic": interval(0.861, 0.01, n), "real": interval(0.829, 0.01, n), "pairs": 100},
        },
        "morphometry": {
            "measure": "hippocampal grey matter, mm3; asymmetry = 200 (R - L) / (R + L), percent",
            "reference": "real scans outside gen_train",
            "unmeasured": 1,
            "side_correlation": {g: {s: interval(0.8, 0.1, n) for s in ("real", "synthetic")} for g in ("hc", "tle")},
            "groups": {
                g: {s: _hippocampi(g, s, n) for s in ("real", "synthetic")}
                for g in ("hc", "tle", "tle-left", "tle-right")
            },
            "effect_size": {
                "real": interval(1.62, 0.5, 2 * n),
                "synthetic": interval(0.71, 0.45, 2 * n),
                "definition": "Hedges' g of |asymmetry|, TLE against controls",
                "by_side": {
                    "tle-left": {"real": interval(2.2, 0.6, n), "synthetic": interval(1.1, 0.6, n)},
                    "tle-right": {"real": interval(-2.1, 0.6, n), "synthetic": interval(-1.0, 0.6, n)},
                    "definition": "Hedges' g of the signed asymmetry",
                },
            },
            "truth": {
                "correlation": interval(0.93, 0.03, 16),
                "asymmetry_correlation": interval(0.88, 0.05, 16),
                "asymmetry_slope": interval(0.81, 0.06, 16),
                "bias_percent": interval(-2.4, 1.1, 16),
                "n": 16,
            },
        },
        "classification": {
            "test": {"n": 24, "hc": 12, "tle": 12},
            "arms": arms,
            "against_real": {arm: _difference(0.01 * place) for place, arm in enumerate(ARMS) if place},
            "synthetic_by_real": {
                "hc_correct": 6,
                "hc": n,
                "tle_correct": 5,
                "tle": n,
                "accuracy": interval(0.6875, 0.2, 16),
                "n": 16,
            },
        },
    }


def _difference(value: float) -> dict[str, Any]:
    change = {"auc_difference": interval(value, 0.05, 24), "accuracy_difference": interval(2 * value, 0.09, 24)}
    return change | {"mcnemar": {"gained": 3, "lost": 2, "p": 0.8125}}


def _hippocampi(group: str, source: str, n: int) -> dict[str, Any]:
    lean = {"hc": 0.0, "tle": 2.0, "tle-left": 14.0, "tle-right": -13.0}[group] * (1 if source == "real" else 0.6)
    return {
        "left": interval(1710 - 8 * lean, 60, n),
        "right": interval(1720 + 8 * lean, 60, n),
        "asymmetry": interval(lean + 0.4, 3, n),
        "asymmetry_abs": interval(abs(lean) + 3, 2, n),
        "sd": 4.125,
    }


def _participants(prefix: str, per_group: int) -> pd.DataFrame:
    rows = [
        {
            "participant_id": f"{prefix}{group}{number:02d}",
            "group": group,
            "side": ("left", "right")[number % 2] if group == "tle" else None,
            "hs": ("yes", "no")[number % 2] if group == "tle" else None,
            "age": 30.0 + number,
            "sex": "FM"[number % 2],
            "site": f"site{number % 2}",
        }
        for group in ("hc", "tle")
        for number in range(per_group)
    ]
    return pd.DataFrame(rows).set_index("participant_id")


def _cohort(root: Path, desc: str, participants: pd.DataFrame, draw: np.random.Generator) -> None:
    writer = CohortWriter(root, GRID, desc, f"fabricated {desc}", "Fabricated for tests.")
    for subject, row in participants.iterrows():
        writer.write(str(subject), phantom(draw, row["side"]), {})
    writer.finish(participants)


def _tables(run: Path, real: pd.DataFrame, draw: np.random.Generator) -> None:
    ids = list(real.index)
    splits = ["gen_train" if i % 4 < 2 else "val" if i % 4 == 2 else "test" for i in range(len(ids))]
    durable.write_table(
        run / "splits.tsv", pd.DataFrame({"participant_id": ids, "group": list(real["group"]), "split": splits})
    )
    outcomes = [{"participant_id": i, "status": "ok", "code": None, "message": None} for i in ids]
    outcomes += [
        {"participant_id": f"sub-X{k}", "status": "failed", "code": "REG-001", "message": f"Dice 0.{k}"}
        for k in range(2)
    ]
    durable.write_table(run / "derivatives" / "outcomes.tsv", pd.DataFrame(outcomes))
    quality = pd.DataFrame({"participant_id": ids, "dice": np.round(draw.uniform(0.85, 0.97, len(ids)), 4)})
    durable.write_table(run / "derivatives" / "qc.tsv", quality)
    rows = []
    for cohort, share in (("real", 1.0), ("synthetic", 0.6)):
        for place, (subject, row) in enumerate(real.iterrows()):
            lean = {"left": 14.0, "right": -13.0}.get(row["side"], 0.0) * share
            split = splits[place] if cohort == "real" else "synthetic"
            rows.append(
                {"participant_id": subject, "cohort": cohort, "group": row["group"], "side": row["side"]}
                | {"split": split, "asymmetry": round(float(draw.normal(lean, 4)), 3)}
            )
    durable.write_table(run / "evaluation" / "hippocampus.tsv", pd.DataFrame(rows))
    predictions = [
        {"arm": arm, "participant_id": f"t{k}", "cohort": cohort, "group": ("hc", "tle")[k % 2]}
        | {"probability": round(float(draw.beta(2 + k % 2, 2)), 4)}
        for arm in ARMS
        for cohort in ("test", "synthetic")
        for k in range(24)
    ]
    durable.write_table(run / "evaluation" / "predictions.tsv", pd.DataFrame(predictions))


def _test_ids(run: Path) -> list[str]:
    table = durable.read_table(run / "splits.tsv")
    return list(table.loc[table["split"] == "test", "participant_id"])


def _film(folder: Path, draw: np.random.Generator) -> None:
    frames = []
    clean = phantom(draw)
    for place, timestep in enumerate((1000, 600, 300, 0)):
        name = f"frame-{place}.nii.gz"
        noisy = np.clip(clean + draw.normal(0, timestep / 1500, GRID.shape), 0, 1)
        write(folder / name, noisy, GRID.affine, mni=True)
        frames.append({"timestep": timestep, "file": name, "condition": "tle"})
    durable.write_json(folder / "film.json", {"frames": frames})


def _training(folder: Path, draw: np.random.Generator) -> None:
    steps = np.arange(10, 401, 10)
    loss = 0.02 + 0.3 * np.exp(-steps / 80) + draw.normal(0, 0.004, len(steps))
    table = pd.DataFrame(
        {"step": steps, "phase": "reconstruction", "loss": loss, "l1": loss * 0.7, "learning_rate": 1e-3}
    )
    table["val_score"] = np.where(steps % 50 == 0, loss * 1.1, np.nan)
    if folder.name != "autoencoder":
        table = table.drop(columns="l1")
    durable.write_text(folder / "metrics.csv", table.to_csv(index=False))
    durable.write_json(folder / "environment.json", {"python": "3.11", "packages": {"numpy": "2.3"}, "threads": 1})
    durable.write_json(folder / "model" / "config.json", {"latent_channels": 4, "grid": {"name": GRID.name}})
