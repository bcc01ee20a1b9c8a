"""Who is in the simulated cohort: the design (balanced over sites) and every latent draw of a subject.

Draws are made in the frame of the seizure focus (``ipsi`` and ``contra``; in controls ipsi is the right), so that a left TLE is
the mirror image of the right TLE with the same seed. Effect sizes: ENIGMA-Epilepsy (Whelan et al., Brain 2018), MTLE with
sclerosis against controls, mean of left and right.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np
from scipy.stats import norm, truncnorm

from tlesynth.recipe import Simulate
from tlesynth.seeds import generator

FRAME = ("ipsi", "contra")
SOLVED = ("hippocampus", "amygdala", "thalamus")
"""Structures whose drawn volume is reached exactly; the horn follows its neighbours and its own drawn push."""
SPREAD = {"hippocampus": 0.095, "amygdala": 0.10, "thalamus": 0.075}
"""Coefficient of variation of healthy volumes after age, sex and head size."""
EFFECT = {"hippocampus": (0.0, -0.19), "amygdala": (-0.12, 0.25), "thalamus": (-0.80, -0.47)}
"""Shift of a patient's log volume in healthy standard deviations (ipsi, contra); the ipsilateral hippocampus is drawn."""
HORN_SPREAD, HORN_EFFECT = 0.35, (0.45, 0.37)
HORN_GAIN = 1.8
"""Log volume per unit of push."""
RIGHT_OVER_LEFT = 0.02
GENERAL_SIZE = 0.45
"""Share of the variance that all of a person's structures have in common; half of the horn's (and inverse)."""
SIDES_CORRELATE = 0.83
REFERENCE_ICV_ML = {"M": 1550.0, "F": 1390.0}
MOST_LOSS, MOST_GAIN = 0.62, 0.25


@dataclass(frozen=True)
class Assignment:
    """What the cohort's design fixes for one subject."""

    participant_id: str
    group: str
    side: str | None
    hs: str | None
    age: float
    sex: str
    site: int


@dataclass(frozen=True)
class Latents:
    """Every number drawn for one subject; ratios are to the template's structure after scaling it to this head."""

    icv_ml: float
    ratio: dict[str, float]
    """``hippocampus_ipsi`` ...: the volume wanted, 1 = the template's."""
    horn_push: dict[str, float]
    severity: float = 0.0
    """Share of the ipsilateral hippocampus that is lost."""
    contra_loss: float = 0.0
    network: float = 0.0
    """Scales every effect outside the hippocampus; 1 is ENIGMA's mean."""
    head_weight: float = 0.0
    duration: float = 0.0
    """Years since onset."""
    signal: dict[str, float] = field(default_factory=dict)
    """Relative change of the hippocampal T1 signal per side."""
    pole_blur: dict[str, float] = field(default_factory=dict)
    """Share of the temporal pole's white matter that looks grey, per side."""
    thinning: float = 0.0
    """Cortical thinning in standard deviations of an effect of size 1, besides ``network``."""

    def flat(self) -> dict[str, float]:
        """One number per column for the truth table."""
        flat: dict[str, float] = {}
        for name, value in asdict(self).items():
            parts = value.items() if isinstance(value, dict) else [("", value)]
            flat |= {f"{name}_{part}" if part else name: float(number) for part, number in parts}
        return flat


def design(settings: Simulate, seed: int) -> list[Assignment]:
    """The subjects in participant order; group says nothing about site, age or sex, whatever the seed."""
    rows = []
    for group, count in (("hc", settings.n_hc), ("tle", settings.n_tle)):
        rng = generator(seed, "design", group)
        sites = rng.permutation(np.repeat(np.arange(settings.sites), quotas(count, settings.sites)))
        quantiles = (rng.permutation(count) + rng.uniform(size=count)) / count
        ages = np.round(_truncated(quantiles, 34, 12, 18, 65), 1)
        sexes = rng.permutation(np.where(np.arange(count) < round(0.55 * count), "F", "M"))
        sides, sclerosis = _disease(rng, count, settings)
        for i in range(count):
            patient = (str(sides[i]), str(sclerosis[i])) if group == "tle" else (None, None)
            rows.append((group, *patient, float(ages[i]), str(sexes[i]), int(sites[i])))
    order = generator(seed, "design", "order").permutation(len(rows))
    return [Assignment(f"sub-sim{k + 1:04d}", *rows[i]) for k, i in enumerate(order)]


def quotas(count: int, sites: int) -> np.ndarray:
    """``count`` subjects over sites of unequal, Zipf-like size (largest remainders): (sites,) int."""
    share = count * (w := 1 / np.sqrt(np.arange(1, sites + 1))) / w.sum()
    whole = np.floor(share).astype(int)
    whole[np.argsort(whole - share, kind="stable")[: count - whole.sum()]] += 1
    return whole


def draw(
    assignment: Assignment, settings: Simulate, seed: int, *, shifts: tuple[float, float] = (0.0, 0.0)
) -> Latents:
    """Draw one subject; ``shifts`` are its site's: of the severity, and of every log volume."""
    rng = generator(seed, "subject", assignment.participant_id)
    z = rng.standard_normal(40)  # always all of them, so that group and side change no later draw
    patient = assignment.group == "tle"
    sclerosis = assignment.hs == "yes"
    icv = float(np.clip(REFERENCE_ICV_ML[assignment.sex] * np.exp(0.08 * z[0]), 1050, 1900))
    network = float(_truncated(norm.cdf(z[1]), 1, 0.4, 0, 2.2)) * (1 if sclerosis else 0.8)
    network *= settings.severity_scale if patient else 0
    loss = float(_severity(0.3 * z[1] + 0.954 * z[2], sclerosis)) + shifts[0]
    loss = float(np.clip(settings.severity_scale * loss, -MOST_GAIN, MOST_LOSS)) if patient else 0.0
    bilateral = patient and sclerosis and norm.cdf(z[3]) < 0.10
    contra = loss * (0.4 + 0.3 * float(norm.cdf(z[4]))) if bilateral else 0.0
    expected = _expected(assignment, icv, shifts[1])
    ratio = {}
    for row, name in enumerate(SOLVED):
        healthy = _both_sides(z[5], z[8 + 3 * row : 11 + 3 * row], np.sqrt(GENERAL_SIZE))
        for where, sd, effect in zip(FRAME, healthy, EFFECT[name], strict=True):
            ratio[f"{name}_{where}"] = float(np.exp(SPREAD[name] * (sd + effect * network))) * expected[where]
    ratio["hippocampus_ipsi"] *= 1 - loss
    ratio["hippocampus_contra"] *= 1 - contra
    horn = _both_sides(z[5], z[17:20], -np.sqrt(GENERAL_SIZE / 2))
    push = {
        where: float(np.clip(HORN_SPREAD * (sd + effect * network) / HORN_GAIN, -0.35, 0.35))
        for where, sd, effect in zip(FRAME, horn, HORN_EFFECT, strict=True)
    }
    return Latents(
        icv_ml=icv,
        ratio={name: float(np.clip(value, 0.3, 1.6)) for name, value in ratio.items()},
        horn_push=push,
        severity=loss,
        contra_loss=contra,
        network=network,
        head_weight=0.4 * float(norm.cdf(z[20])) if patient else 0.0,
        duration=float(_truncated(norm.cdf(0.2 * z[2] + 0.98 * z[21]), 17, 11, 1, 50)) if patient else 0.0,
        signal={"ipsi": 0.025 * (z[22] - 1.2 * network), "contra": 0.025 * (z[23] - 0.2 * network)},
        pole_blur={
            "ipsi": float(np.clip(0.08 + 0.08 * (z[24] + network), 0, 0.6)),
            "contra": float(np.clip(0.08 + 0.08 * (z[25] + 0.2 * network), 0, 0.6)),
        },
        thinning=float(0.3 * z[26]),
    )


def _disease(rng: np.random.Generator, count: int, settings: Simulate) -> tuple[np.ndarray, np.ndarray]:
    """Side and sclerosis with exact shares, sclerosis equally common on both sides."""
    left = round(settings.left_share * count)
    side = np.where(np.arange(count) < left, "left", "right")
    turn = np.floor((np.arange(count) + 1) * settings.sclerosis_share + 1e-9)
    sclerosis = np.where(np.diff(turn, prepend=0) > 0, "yes", "no")
    order = rng.permutation(count)
    return side[order], sclerosis[order]


def _severity(z: float, sclerosis: bool) -> float:
    mean, sd, low, high = (0.24, 0.11, 0.02, 0.60) if sclerosis else (0.08, 0.05, -0.06, 0.25)
    return float(_truncated(norm.cdf(z), mean, sd, low, high))


def _expected(assignment: Assignment, icv_ml: float, site_shift: float) -> dict[str, float]:
    """Expected ratio to the head-scaled template: structures grow more slowly than heads, shrink with age, and differ by side."""
    late = max(assignment.age - 50, 0)
    common = (icv_ml / 1500) ** (0.6 - 1) * np.exp(-0.001 * (assignment.age - 30 - late) - 0.005 * late + site_shift)
    common *= 0.985 if assignment.sex == "F" else 1.0
    right = -1 if assignment.side == "left" else 1  # ipsi is the right unless the focus is on the left
    return {
        "ipsi": common * (1 + right * RIGHT_OVER_LEFT / 2),
        "contra": common * (1 - right * RIGHT_OVER_LEFT / 2),
    }


def _both_sides(general: float, own: np.ndarray, loading: float) -> tuple[float, float]:
    """Two standard normals that share the general factor and correlate by ``SIDES_CORRELATE`` in all."""
    rest = 1 - loading**2
    common = np.sqrt(max(SIDES_CORRELATE - loading**2, 0))
    single = np.sqrt(rest - common**2)
    ipsi, contra = (loading * general + common * own[0] + single * own[i] for i in (1, 2))
    return float(ipsi), float(contra)


def _truncated(quantile: float | np.ndarray, mean: float, sd: float, low: float, high: float) -> np.ndarray:
    return truncnorm.ppf(quantile, (low - mean) / sd, (high - mean) / sd, mean, sd)
