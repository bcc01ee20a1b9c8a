"""The audit: nothing but the image itself may tell real from synthetic.

Three findings, kept apart. A *leak* is in what we made: files that differ, names or orders or formats that classify
items above chance; such a study is refused. A *cue* is in the image, where a reader may look first (rim, grain). The
*machine reader* is a classifier that sees the images as readers do; its AUC stands beside theirs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tlesynth import durable
from tlesynth.errors import fail
from tlesynth.metrics.spectrum import band_power
from tlesynth.metrics.statistics import Flags, Floats, Json, Resampling, rounded
from tlesynth.metrics.two_sample import two_sample
from tlesynth.progress import say, track
from tlesynth.reader_study import separation
from tlesynth.reader_study.channels import CUES, FORMAT, Channel, facts, pixels, ranks
from tlesynth.reader_study.key import Key
from tlesynth.reader_study.study import (
    ITEMS,
    STUDY,
    Design,
    Study,
    Trial,
    item_path,
    read_study,
    read_trials,
    verify_items,
)
from tlesynth.seeds import generator
from tlesynth.volume import read

AUDIT = "audit.json"
ALPHA = 0.005
"""A channel that separates as well as no more than this share of permuted labellings leaks."""
COMPONENTS = 12
BLOCK_MM = 6.0
TEXT = (".json", ".md", ".tsv", ".txt")


def audit(folder: Path, key: Key) -> Json:
    """Audit a study that stands, machine reader included; write and return ``audit.json``.

    Raises:
        TlesynthError: STUDY-001 or -006 if the study is damaged, STUDY-007 if it leaks (the file is written before).
    """
    study, trials = read_study(folder), read_trials(folder)
    verify_items(folder, study)
    if {len(t.items) for asked in trials.values() for t in asked} != {2 if study.design == "2afc" else 1}:
        raise fail("STUDY-006", Path(folder) / STUDY, f"its lists are not those of the design {study.design}")
    found = channels(folder, study, trials, key) | {"machine_reader": machine_reader(folder, study, key)}
    durable.write_json(Path(folder) / AUDIT, found)
    require_none(folder, found)
    return found


def channels(folder: Path, study: Study, trials: dict[str, tuple[Trial, ...]], key: Key) -> Json:
    """Every channel of a study, as JSON: ``verdict`` is passed or leak, ``leaks`` says which in words."""
    items = sorted(study.items)
    synthetic = _labels(items, key)
    draws = generator(study.seed, "audit", study.id)
    measured = [pixels(item_path(folder, i)) for i in track(items, "auditing", len(items))]
    shape = np.column_stack([ranks(folder, items), np.array([m[0] for m in measured])])
    cues = np.array([m[1] for m in measured])
    files = _files(folder, items)
    formats = _compared(FORMAT, shape, synthetic, draws)
    coarse = _coarse(FORMAT, shape)
    combined = separation.together(coarse, synthetic, draws)
    ordered = orders(study.design, trials, key, draws)
    leaks = [f"{name}: {count} different" for name, count in files.items() if count != 1]
    leaks += [f"{c['name']}: real {c['real']:g}, synthetic {c['synthetic']:g}" for c in formats if c["tells"]]
    leaks += ["names and formats together"] if combined.p <= ALPHA else []
    leaks += [f"order of {reader}'s list" for reader, p in ordered.items() if p <= ALPHA]
    leaks += _words(folder, key) + _shown(trials)
    return {
        "study": study.id,
        "verdict": "leak" if leaks else "passed",
        "leaks": leaks,
        "alpha": ALPHA,
        "files": files,
        "formats": formats,
        "together": {"auc": rounded(combined.auc), "p": rounded(combined.p)},
        "orders": {reader: rounded(p) for reader, p in ordered.items()},
        "cues": _compared(CUES, cues, synthetic, draws),
        "n": {"real": int((~synthetic).sum()), "synthetic": int(synthetic.sum())},
    }


def orders(
    design: Design, trials: dict[str, tuple[Trial, ...]], key: Key, draws: np.random.Generator
) -> dict[str, float]:
    """For each reader's list the chance that a random order looks as ordered: early, blocked or patterned."""
    return {reader: separation.in_order(_sequence(asked, key, design), draws) for reader, asked in trials.items()}


def machine_reader(folder: Path, study: Study, key: Key) -> Json:
    """How well a cross-validated classifier tells the items apart by what they look like, as JSON.

    It sees the strength of each spatial frequency and the main components of 6 mm blocks; it is no leak.
    """
    items = sorted(study.items)
    side = max(1, round(BLOCK_MM / study.spacing_mm))
    seen = [_looks(item_path(folder, i), side) for i in track(items, "machine reader", len(items))]
    blocks, bands = np.array([s[0] for s in seen]), np.array([s[1] for s in seen])
    blocks = blocks - blocks.mean(axis=0)
    u, s, _ = np.linalg.svd(blocks, full_matrices=False)
    figures = np.column_stack([bands, (u * s)[:, :COMPONENTS]])
    synthetic = _labels(items, key)
    say("machine reader: 200 permutations")
    how = Resampling(0, 0.95, generator(study.seed, "machine reader", study.id))
    return two_sample(figures[synthetic], figures[~synthetic], how)


def require_none(folder: Path, found: Json) -> None:
    """Raise STUDY-007 where ``channels`` found a leak."""
    if found["leaks"]:
        raise fail("STUDY-007", folder, "; ".join(found["leaks"][:4]))


def _labels(items: list[str], key: Key) -> Flags:
    return np.array([key.items[item].origin == "synthetic" for item in items])


def _files(folder: Path, items: list[str]) -> dict[str, int]:
    """How many different values of each file's facts there are; more than one is a leak."""
    known = [facts(item_path(folder, item)) for item in items]
    counts = {name: len({fact[name] for fact in known}) for name in known[0]}
    extra = {path.name for path in (Path(folder) / ITEMS).iterdir()} - {f"{item}.nii" for item in items}
    return counts | {"other files": 1 + len(extra)}


def _compared(kinds: tuple[Channel, ...], figures: Floats, synthetic: Flags, draws: np.random.Generator) -> list[Json]:
    """Each figure of both origins with its p; it ``tells`` them apart if that is small and the medians differ."""
    p = separation.each(figures, synthetic, draws)
    real, made = (np.median(figures[which], axis=0) for which in (~synthetic, synthetic))
    return [
        {
            "name": kind.name,
            "real": rounded(float(real[k])),
            "synthetic": rounded(float(made[k])),
            "p": rounded(float(p[k])),
            "tells": bool(p[k] <= ALPHA and abs(real[k] - made[k]) > kind.tolerance),
        }
        for k, kind in enumerate(kinds)
    ]


def _coarse(kinds: tuple[Channel, ...], figures: Floats) -> Floats:
    """The figures in steps of their tolerances around their medians: what a person or program could tell at most."""
    steps = np.array([kind.tolerance or 1.0 for kind in kinds])
    return np.rint((figures - np.median(figures, axis=0)) / (2 * steps))


def _sequence(asked: tuple[Trial, ...], key: Key, design: Design) -> Flags:
    """The right answer of each case in a reader's order: synthetic, or for 2afc the second one."""
    cases = [trial for trial in asked if trial.kind == "case"]
    if design == "2afc":
        return np.array([key.second_is_synthetic(trial) for trial in cases])
    return _labels([trial.items[0] for trial in cases], key)


def _words(folder: Path, key: Key) -> list[str]:
    """Files of the study that hold a participant's name or the key's secret."""
    told = {truth.source for truth in key.items.values()} | {key.secret}
    texts = {p.name: p.read_text(errors="replace") for p in Path(folder).iterdir() if p.suffix in TEXT}
    return [f"{name} names a scan or holds the key" for name, text in texts.items() if any(t in text for t in told)]


def _shown(trials: dict[str, tuple[Trial, ...]]) -> list[str]:
    """Lists that give answers away, or that show a warm-up again as a case."""
    leaks = []
    for reader, asked in trials.items():
        known = {item for trial in asked if trial.kind == "warm-up" for item in trial.items}
        if any(trial.kind != "warm-up" and (trial.feedback or known & set(trial.items)) for trial in asked):
            leaks.append(f"{reader}'s list gives answers away")
    return leaks


def _looks(path: Path, side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of blocks of ``side`` voxels (K,), and the logarithm of the power of each frequency band."""
    voxels = read(path, least_values=1).voxels
    x, y, z = (n // side for n in voxels.shape)
    cut = voxels[: x * side, : y * side, : z * side]
    blocks = cut.reshape(x, side, y, side, z, side).mean(axis=(1, 3, 5)).ravel()
    return blocks.astype(np.float64), np.log(band_power(voxels) + 1.0)
