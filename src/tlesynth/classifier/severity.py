"""How severe the simulated disease must be for the package's own 3D classifier to reach a wanted AUC.

One number is tuned, ``simulate.severity_scale``. Draws do not depend on it (the same people, heads, scanners and noise
at every scale), so the AUC climbs smoothly and bisection finds the scale. Every point is kept on disk: the same command
goes on where it stopped. The images are crops drawn directly on the MNI grid (tlesynth.data.simulate.crop).
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from tlesynth import __version__, durable
from tlesynth.classifier.two_sided import TwoSided
from tlesynth.classifier.volumetry import Scored, folds, hippocampus_scores
from tlesynth.data import enigma
from tlesynth.data.simulate import scan, subjects
from tlesynth.data.simulate.cohort import drawn_truth
from tlesynth.data.simulate.crop import CROP, SIDE, render_crop
from tlesynth.data.simulate.shape import shape
from tlesynth.errors import fail
from tlesynth.progress import bar, say
from tlesynth.recipe import Simulate
from tlesynth.seeds import generator, seed_of
from tlesynth.sharing.crew import Crew
from tlesynth.training import require_device

CLOSE = 0.01
"""An AUC this near the wanted one ends the search."""
MOST_POINTS = 6
LEAST_SCALE, GREATEST_SCALE = 0.25, 3.0
EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 20, 16, 2e-3, 0.1
NOISES = (enigma.MEASURING_NOISE, 0.0)
"""With which hippocampal volumes are measured: as segmentation does, and exactly."""
SHIFT = 1
"""Voxels by which training crops are moved at random, the same for both sides."""


@dataclass(frozen=True)
class Point:
    """One severity scale: cross-validated AUC of the 3D network with its 95 % interval over subjects."""

    scale: float
    auc: float
    low: float
    high: float
    hippocampus_auc: float
    """Of a support vector machine on the two hippocampal volumes, measured with 3.5 % noise."""
    true_hippocampus_auc: float
    """The same on the volumes without noise: more than hippocampal volumes can tell from any image."""
    subjects: int
    seconds: float


@dataclass(frozen=True)
class Crops:
    """Both sides of every subject (N, 2, X, Y, Z) float32 on the CPU, who is a patient (N,), and folds (N,)."""

    images: Tensor
    positive: np.ndarray
    fold: np.ndarray


def calibrate(
    settings: Simulate,
    out: Path,
    *,
    wanted: float = 0.88,
    subjects: int = 800,
    seed: int = 0,
    device: str = "cpu",
    jobs: int = 0,
) -> dict[str, Any]:
    """Find the severity scale at which the 3D classifier reaches the AUC ``wanted`` with ``subjects`` scans (half TLE).

    Returns, and writes to ``out``/calibration.json, the whole curve and ``scale`` (None if the wanted AUC lies outside
    scales 0.25 to 3). ``settings`` gives preset, sites, noise and shares; its own scale and counts are replaced.

    Raises:
        TlesynthError: CFG-010 if ``out`` holds another calibration, CFG-002 if ``subjects`` is below 40 or there is
            no device of this name, RES-010 if it is not there.
    """
    require_device(device)
    if subjects < 40 or not 0.5 < wanted < 1:
        raise fail("CFG-002", "calibrate", "subjects must be at least 40 and the wanted AUC between 0.5 and 1")
    fixed = {"severity_scale": 1.0, "n_hc": subjects - subjects // 2, "n_tle": subjects // 2, "failed_scans": 0.0}
    settings = settings.model_copy(update=fixed)
    identity = {
        "settings": settings.model_dump(mode="json"),
        "wanted": wanted,
        "seed": seed,
        "training": training_identity(),
    }
    points = _read(Path(out), identity)
    measure = partial(measure_point, settings, seed=seed, device=device, jobs=jobs, drawn={})
    with bar("calibrating severity", MOST_POINTS, len(points)) as shown:
        while (scale := next_scale(points, wanted)) is not None:
            points.append(measure(scale=scale))
            _write(Path(out), identity, points, device)
            newest = points[-1]
            shown.advance(note=f"scale {scale:.2f}: AUC {newest.auc:.3f} [{newest.low:.3f}, {newest.high:.3f}]")
    result = _write(Path(out), identity, points, device)
    say(table(points))
    return result


def next_scale(points: list[Point], wanted: float) -> float | None:
    """Where to measure next: 1 first, then doubling or halving until the wanted AUC is bracketed, then in between."""
    if not points:
        return 1.0
    nearest = min(points, key=lambda p: abs(p.auc - wanted))
    if len(points) >= MOST_POINTS or abs(nearest.auc - wanted) <= CLOSE:
        return None
    below = [p.scale for p in points if p.auc < wanted]
    above = [p.scale for p in points if p.auc >= wanted]
    if not above:
        return min(2 * max(below), GREATEST_SCALE) if max(below) < GREATEST_SCALE else None
    if not below:
        return max(min(above) / 2, LEAST_SCALE) if min(above) > LEAST_SCALE else None
    # Noise may make the curve dip: the bracket is the innermost pair around the last crossing.
    low = max(s for s in below if s < max(above)) if any(s < max(above) for s in below) else None
    high = min((s for s in above if low is not None and s > low), default=None)
    return None if low is None or high is None else (low + high) / 2


def interpolated(points: list[Point], wanted: float) -> float | None:
    """The scale at which the line through the measured points, in order of scale, first reaches ``wanted``."""
    ordered = sorted(points, key=lambda p: p.scale)
    for one, two in zip(ordered, ordered[1:], strict=False):
        if one.auc < wanted <= two.auc:
            return one.scale + (wanted - one.auc) / (two.auc - one.auc) * (two.scale - one.scale)
    nearest = min(ordered, key=lambda p: abs(p.auc - wanted), default=None)
    return nearest.scale if nearest and abs(nearest.auc - wanted) <= CLOSE else None


def measure_point(
    settings: Simulate,
    scale: float,
    *,
    seed: int,
    device: str = "cpu",
    jobs: int = 0,
    drawn: MutableMapping[str, np.ndarray] | None = None,
) -> Point:
    """Draw the crops at one severity scale and cross-validate the 3D network on them.

    ``drawn`` keeps the controls' crops from one scale to the next, which show no disease at any.
    """
    started = time.monotonic()
    settings, drawn = settings.model_copy(update={"severity_scale": scale}), {} if drawn is None else drawn
    crops = draw_crops(settings, seed, jobs, drawn)
    truth = drawn_truth(settings, seed)
    for patient in truth["participant_id"][truth["group"] == "tle"]:
        drawn.pop(patient)
    score = np.zeros(len(crops.positive))
    for k in np.unique(crops.fold):
        score[crops.fold == k] = train_fold(crops, int(k), seed=seed, device=device)
    found = Scored(score, crops.positive, crops.fold)
    low, high = found.interval(seed)
    noisy, exact = (hippocampus_scores(enigma.measured(truth, seed, n), crops.positive, seed) for n in NOISES)
    return Point(
        scale=scale,
        auc=round(found.auc(), 4),
        low=round(low, 4),
        high=round(high, 4),
        hippocampus_auc=round(noisy.auc(), 4),
        true_hippocampus_auc=round(exact.auc(), 4),
        subjects=len(crops.positive),
        seconds=round(time.monotonic() - started, 1),
    )


def draw_crops(settings: Simulate, seed: int, jobs: int, drawn: MutableMapping[str, np.ndarray]) -> Crops:
    """Both temporal lobes of every subject of the design, and five folds balanced over group, sclerosis and side.

    Crops that ``drawn`` holds (by participant, (2, X, Y, Z) float32) are taken from there; the others are put there.
    """
    people = subjects.design(settings, seed)
    sites = [scan.draw_site(number, settings, seed) for number in range(settings.sites)]
    images = np.empty((len(people), 2, *SIDE), np.float32)
    work = partial(_draw_one, sites=sites, settings=settings, seed=seed)
    todo = {a.participant_id: a for a in people if a.participant_id not in drawn}
    with bar("drawing temporal lobes", len(people), len(people) - len(todo)) as shown:
        for name, image in Crew(work, jobs, _lost).each(todo):
            drawn[name] = image
            shown.advance()
    for row, who in enumerate(people):
        images[row] = drawn[who.participant_id]
    strata = [f"{a.group} {a.hs} {a.side}" for a in people]
    positive = np.array([a.group == "tle" for a in people])
    return Crops(torch.from_numpy(images), positive, folds(strata, seed))


def train_fold(crops: Crops, held_out: int, *, seed: int, device: str = "cpu") -> np.ndarray:
    """Train on all folds but one and score that one: logits (n,). A fixed number of epochs; nothing is chosen on it."""
    with torch.random.fork_rng(devices=[]):  # weights and dropout come from the seed, and leave the caller's alone
        torch.manual_seed(seed_of(seed, "calibration weights", held_out))
        network = TwoSided().to(device).train()
        _fit(network, crops, np.flatnonzero(crops.fold != held_out), generator(seed, "calibration", held_out))
    network.eval()
    with torch.inference_mode():
        parts = [network(part.to(device)).cpu() for part in crops.images[crops.fold == held_out].split(64)]
    return torch.cat(parts).double().numpy()


def _fit(network: TwoSided, crops: Crops, training: np.ndarray, rng: np.random.Generator) -> None:
    device = next(network.parameters()).device
    batch = min(BATCH, len(training))
    per_epoch = len(training) // batch
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=EPOCHS * per_epoch)
    labels = torch.from_numpy(crops.positive.astype(np.float32)).to(device)
    for _ in range(EPOCHS):
        for rows in rng.permutation(training)[: per_epoch * batch].reshape(-1, batch):
            shift = tuple(int(s) for s in rng.integers(-SHIFT, SHIFT + 1, 3))
            images = torch.roll(crops.images[rows], shift, (2, 3, 4)).to(device)
            optimizer.zero_grad()
            binary_cross_entropy_with_logits(network(images), labels[rows]).backward()
            optimizer.step()
            schedule.step()


def training_identity() -> dict[str, Any]:
    """What determines the network's training; kept with the points, which it decides."""
    rates = {"learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
    return {"network": TwoSided.__name__, "crop": CROP.fingerprint, "epochs": EPOCHS, "batch": BATCH} | rates


def table(points: list[Point]) -> str:
    """The curve as lines of text, in order of scale."""
    lines = ["scale   3D network            hippocampal volumes   the same, no noise"]
    for p in sorted(points, key=lambda p: p.scale):
        network = f"{p.auc:.3f} [{p.low:.3f}, {p.high:.3f}]"
        lines.append(f"{p.scale:<7.3g} {network:<21} {p.hippocampus_auc:<21.3f} {p.true_hippocampus_auc:.3f}")
    return "\n".join(lines)


def _draw_one(who: subjects.Assignment, sites: list[scan.Site], settings: Simulate, seed: int) -> np.ndarray:
    site = sites[who.site]
    latents = subjects.draw(who, settings, seed, shifts=(site.severity_shift, site.volume_shift))
    made = shape(latents, generator(seed, "shape", who.participant_id))
    image = render_crop(latents, made, site, settings.voxel_mm, generator(seed, "crop", who.participant_id))
    return image[::-1] if who.side == "left" else image  # right, left


def _lost(who: subjects.Assignment) -> np.ndarray:
    raise fail("RES-020", who.participant_id, "the process that drew it was killed twice")


def _read(out: Path, identity: dict[str, Any]) -> list[Point]:
    path = out / "calibration.json"
    if not path.is_file():
        return []
    known = durable.read_json(path)
    if known["identity"] != identity:
        raise fail("CFG-010", out, "it holds the calibration of another preset, size, seed or training")
    return [Point(**point) for point in known["curve"]]


def _write(out: Path, identity: dict[str, Any], points: list[Point], device: str) -> dict[str, Any]:
    wanted = identity["wanted"]
    result = {
        "identity": identity,
        "wanted": wanted,
        "scale": interpolated(points, wanted),
        "finished": next_scale(points, wanted) is None,
        "curve": [asdict(p) for p in sorted(points, key=lambda p: p.scale)],
        "versions": {"tlesynth": __version__, "torch": torch.__version__, "numpy": np.__version__},
        "device": device,
    }
    durable.write_json(out / "calibration.json", result)
    return result
