"""A small run folder, fabricated: every file the report reads, with seeded values that mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable, recipe
from tlesynth.data.anatomy import STRUCTURES
from tlesynth.data.cohort import CohortWriter
from tlesynth.evaluation.verdict import verdict
from tlesynth.report import figures, page
from tlesynth.report.sources import Files
from tlesynth.volume import GRIDS, write

from . import studies

GRID = GRIDS["mni-3mm"]
ARMS = ("real", "synthetic", "real+0.25", "real+0.5")
GROUPS = ("hc", "tle")
PLANTS = ("exact", "noised", "shifted", "intensity", "warped", "flipped", "blended")
OVERLAP = ("precision", "recall", "density", "coverage")


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
    durable.write_json(run / "classifier" / "real" / "done.json", {"steps": 24, "loading_share": 0.0214})
    durable.write_json(run / "autoencoder" / "gate.json", {"verdict": "passed"})
    durable.write_json(run / "evaluation" / "results.json", results(per_group))
    durable.write_json(run / "synthetic" / "certificate.json", CERTIFICATE)
    for name in ("real_tle", "synthetic_tle"):
        values = draw.normal(0, 1, GRID.shape).astype(np.float32)
        write(run / "evaluation" / f"tmap_{name}.nii.gz", values, GRID.affine, dtype="float32", mni=True)
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
    """results.json as the evaluation writes it, judged by the limits of the demo recipe."""
    found, demo = _measured(n), recipe.load("demo", ["evaluation.verdict.least_scans=8"])
    return found | {"verdict": verdict(found, demo.evaluation, demo.privacy)}


def _measured(n: int) -> dict[str, Any]:
    missing = {"not_computed": "weights missing: inception-v3", "command": "tlesynth weights fetch inception-v3"}
    lpips = {"not_computed": "weights missing: lpips-alex", "command": "tlesynth weights fetch lpips-alex"}
    squeeze = {"not_computed": "weights missing: lpips-squeeze", "command": "tlesynth weights fetch lpips-squeeze"}
    distance = {"value": interval(4.31, 0.6, n), "floor": interval(1.52, 0.4, n), "ratio": 2.84}
    metrics = ("accuracy", "precision", "recall", "f1", "auc_roc", "aucpr")
    arms = {
        arm: {m: interval(round(0.7 + 0.02 * place + 0.013 * k, 4), 0.11, 24) for k, m in enumerate(metrics)}
        | {"confusion": {"tp": 9 + place, "fp": 4, "tn": 8, "fn": 3 - place % 3}, "threshold": 0.4875}
        | {"specificity": interval(0.667, 0.2, 12)}
        | {"at_half": {"confusion": {"tp": 8 + place, "fp": 5, "tn": 7, "fn": 4 - place % 4}}}
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
            "brain": {"l1": interval(0.0612, 0.004, 4), "psnr_db": interval(19.62, 0.5, 4)},
            "psnr_db": interval(24.31, 0.7, 4),
            "ssim": interval(0.871, 0.02, 4),
            "hippocampus_l1": interval(0.0544, 0.006, 4),
            "hippocampus_bias": {"mean": interval(-12.5, 3.5, 8), "agreement": interval(9.31, 2.2, 8)},
            "lpips": lpips,
            "lpips_squeeze": squeeze,
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
            "hc": _diversity(0.842, 0.836, n),
            "tle": _diversity(0.861, 0.829, n),
        },
        "generation": _generation(n) | {"inception": missing},
        "disease": _disease(n),
        "privacy": _privacy(n),
        "classification": {
            "test": {"n": 24, "hc": 12, "tle": 12},
            "arms": arms,
            "volumetry": {"figures": ["|asymmetry|", "smaller hippocampus"]}
            | {k: {m: interval(0.61, 0.11, 24) for m in metrics} | {"n_train": 36} for k in ("real", "synthetic")},
            "against_real": {arm: _difference(0.01 * place) for place, arm in enumerate(ARMS) if place},
            "synthetic_by_real": {
                "hc_correct": 6,
                "hc": n,
                "tle_correct": 5,
                "tle": n,
                "accuracy": interval(0.6875, 0.2, 16),
                "auc_roc": interval(0.71, 0.1, 16),
                "n": 16,
            },
        },
    }


def _diversity(synthetic: float, real: float, n: int) -> dict[str, Any]:
    found = {"synthetic": interval(synthetic, 0.01, n), "real": interval(real, 0.01, n), "pairs": 100}
    return found | {"difference": interval(round(synthetic - real, 3), 0.014, 2 * n)}


def _difference(value: float) -> dict[str, Any]:
    change = {"auc_difference": interval(value, 0.05, 24), "accuracy_difference": interval(2 * value, 0.09, 24)}
    return change | {"mcnemar": {"gained": 3, "lost": 2, "p": 0.8125}}


def _generation(n: int) -> dict[str, Any]:
    frechet = {"value": interval(287.4, 52.6, n), "floor": interval(7.35, 6.1, n), "ratio": 39.1}
    parts = {"subsets": {"mean": 86.91, "se": 0.613, "size": n // 2, "count": 100}}
    kid = {"value": interval(87.3, 6.9, n) | parts, "floor": interval(-0.5, 0.54, n) | parts}
    kid |= {"above_floor": interval(87.8, 6.9, n)}
    across = {pair: interval(94.6, 7.1, n) for pair in ("hc_to_tle", "tle_to_hc")}
    shares = {k: {"value": interval(0.25, 0.2, n), "real": interval(0.9, 0.1, n), "ratio": 0.28} for k in OVERLAP}
    sizes = {"n_real": n, "n_synthetic": n}
    found = {
        "kid": {g: kid | sizes for g in GROUPS}
        | {"cross": across, "own_minus_cross": {g: interval(-6.1, 6.9, n) for g in GROUPS}},
        "overlap": {g: shares | {"k": 4} | sizes for g in GROUPS},
    }
    told = {"auc": interval(0.97, 0.03, n), "accuracy": interval(0.9, 0.1, n), "p": 0.00498}
    bands = {"0.000 to 0.031": 0.4, "0.031 to 0.062": -3.25, "0.062 to 0.094": -15.7}
    return {
        "reference": "real scans outside gen_train",
        "radiomic": {"features": "radiomic-42"} | found,
        "internal": {"features": "internal encoder"}
        | {"frechet": {g: frechet | sizes for g in GROUPS} | {"cross": across}}
        | found,
        "two_sample": {"features": "radiomic-42", "value": told, "floor": told},
        "spectrum": {"unit": "dB"}
        | {
            g: {b: {"value": interval(v, 0.2, n), "floor": interval(0, 0.2, n)} for b, v in bands.items()}
            for g in GROUPS
        },
    }


def _disease(n: int) -> dict[str, Any]:
    few = {"not_computed": "4 real scans of hs-yes; at least 6 are needed", "command": ""}
    pooled = [f"hippocampus_{part}" for part in ("total", "asymmetry_abs")]
    sided = [f"hippocampus_{part}" for part in ("left", "right", "asymmetry")]
    measures = {"hc": sided, "tle": pooled, "tle-left": sided, "tle-right": sided}
    effect = {"real": interval(1.62, 0.5, n), "synthetic": interval(0.71, 0.45, n), "margin": 0.3, "p": 0.981}
    effect |= {"difference": interval(-0.91, 0.6, 2 * n), "verdict": "different"}
    spread = {
        "real": interval(3512.4, 160, n),
        "synthetic": interval(3390.1, 90, n),
        "deviation_ratio": interval(0.54, 0.21, n) | {"verdict": "different"},
        "kolmogorov_smirnov": interval(0.61, 0.2, n) | {"p": 0.0312},
        "wasserstein": interval(1.2, 0.4, n),
    }
    kinds = ("real", "synthetic")
    follows = {
        k: interval(0.64, 0.07, n) for k in ("bias_percent", "lower_percent", "upper_percent", "slope", "correlation")
    }
    truth = {"hippocampus": follows, "hippocampus_asymmetry": {k: follows[k] for k in ("slope", "correlation")}}
    return {
        "measure": "volumes in mm3; asymmetry = 200 (R - L) / (R + L) in percent",
        "reference": "real scans outside gen_train",
        "unmeasured": 1,
        "truth": {"registration": truth, "tissue": truth},
        "effects": {"definition": "Hedges' g of patients against controls", "margin": 0.3}
        | {s: {m: effect for m in measures[s]} for s in ("tle", "tle-left", "tle-right")}
        | {"hs-yes": few, "hs-no": few}
        | {"agreement": {"effects": 16, "deming_slope": interval(0.5, 0.4, n), "correlation": interval(0.6, 0.3, n)}},
        "adjusted": {
            "method": "what the controls' slopes leave",
            "head_size": "volumes are in MNI space",
            "real": {
                "covariates": ["age", "sex", "head_size"],
                "controls": 20,
                "means": {"age": {g: interval(41.5, 3, n) for g in GROUPS}},
                "tle": {m: {k: interval(0.9, 0.4, n) for k in ("raw", "adjusted")} for m in pooled},
            },
            "synthetic": {
                "covariates": ["age", "sex"],
                "controls": 20,
                "tle": {m: {k: interval(0.4, 0.4, n) for k in ("raw", "adjusted")} for m in pooled},
            },
            "compared": {"covariates": ["age", "sex"], "controls": 20, "tle": {m: effect for m in pooled}},
        },
        "asymmetry_tails": {part: interval(0.2, 0.15, n) for part in (*kinds, "difference", "threshold_percent")}
        | {"verdict": "undecided"},
        "distributions": {s: {m: spread for m in listed} for s, listed in measures.items()} | {"hs-yes": few},
        "side_correlation": {
            s: {name: {part: interval(0.6, 0.2, n) for part in (*kinds, "difference")} for name in STRUCTURES}
            for s in measures
        },
        "conditioning": {
            "side": {k: {part: interval(0.8, 0.1, n) for part in ("auc", "share_on_the_asked_side")} for k in kinds},
            "sex": {k: interval(-0.2, 0.5, n) for k in kinds},
            "age": {k: {"slope": interval(-12.5, 30, n), "measure": "hippocampus_total"} for k in kinds},
            "numbers": {"severity": {"correlation": interval(0.5, 0.2, n), "measure": "hippocampus_asymmetry_abs"}},
        },
        "maps": {"method": "two-sample t of T1 intensity", "halvings": 8}
        | {
            c: {
                "correlation": 0.0412,
                "real_to_real": interval(0.1, 0.05, n),
                "real_to_synthetic": interval(0.05, 0.05, n),
            }
            for c in ("tle", "tle-left", "tle-right")
        },
    }


def _privacy(n: int) -> dict[str, Any]:
    ratios = {"median": 0.998, "p05": 0.963, "scans": n}
    near = {"share": interval(0.56, 0.09, n), "nndr": ratios, "d1_over_d2": ratios, "compared_with": 12}
    secret = {
        "auc": interval(0.717, 0.1, 24),
        "tpr_at_1_percent": interval(0.02, 0.02, 24),
        "trained": 12,
        "held_out": 12,
    }
    return {
        "copies": {
            "gate": "passed",
            "planted_recall": {kind: interval(0.95, 0.05, 20) for kind in PLANTS},
            **{k: interval(0.02, 0.02, n) for k in ("share", "false_alarms", "repeated_training_scans")},
        },
        "nearest": dict.fromkeys(("voxel", "latent", "embedding"), near),
        "membership": {"denoiser": secret, "autoencoder": secret},
    }


CERTIFICATE = {
    "verdict": "passed",
    "gate": "refuse",
    "overridden": False,
    "training_scans": 71,
    "calibration": {"false_alarms": 0.0119},
    "drawn": 72,
    "copies": 1,
    "most_copies": 0.05,
    "most_nearer": 0.75,
    "nearer_to_training": {
        "share": interval(0.583, 0.12, 30),
        "p": 0.0913,
        "training_scans": 20,
        "held_out_scans": 16,
    },
    "caveat": "A certificate tells of copies of whole brains.",
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
                | {"left": 3500 - 17 * lean, "right": 3500 + 17 * lean}
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
