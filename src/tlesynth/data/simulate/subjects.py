"""Who is in the simulated cohort: the design (balanced over sites) and every latent draw of a subject.

Draws are made in the frame of the seizure focus (``ipsi`` and ``contra``; in controls ipsi is the right), so that a
left TLE is the mirror image of the right TLE with the same seed. Effect sizes: ENIGMA-Epilepsy (Whelan et al., Brain
2018), MTLE with sclerosis against controls, mean of left and right.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

import numpy as np
from scipy.special import ndtr, ndtri

from tlesynth.data.simulate.presets import PRESETS, severity_scale
from tlesynth.recipe import Simulate
from tlesynth.recipe.simulate import CONTROL_SITES
from tlesynth.seeds import generator

FRAME = ("ipsi", "contra")
SOLVED = ("hippocampus", "amygdala", "thalamus")
"""Structures whose drawn volume is reached exactly; the horn follows its neighbours and its own drawn push."""
SPREAD = {"hippocampus": 0.095, "amygdala": 0.10, "thalamus": 0.075}
"""Coefficient of variation of healthy volumes after age, sex and head size."""
EFFECT = {"hippocampus": (0.0, -0.08), "amygdala": (-0.12, 0.25), "thalamus": (-0.80, -0.47)}
"""Shift of a patient's log volume in healthy standard deviations (ipsi, contra); the ipsilateral hippocampus is drawn,
and bilateral damage takes the contralateral one from -0.08 to ENIGMA's -0.18.
"""
HORN_SPREAD, HORN_EFFECT = 0.35, (0.45, 0.37)
HORN_GAIN = 1.8
"""Log volume per unit of push."""
HORN_DRAG = 0.66
"""Log volume that a horn loses per log volume of its hippocampus, whose field reaches into it; what the disease drags
away is pushed back, so that patients' horns differ by ``HORN_EFFECT``.
"""
RIGHT_OVER_LEFT = 0.02
GENERAL_SIZE = 0.45
"""Share of the variance that all of a person's structures have in common; half of the horn's (and inverse)."""
SIDES_CORRELATE = 0.83
REFERENCE_ICV_ML = {"M": 1550.0, "F": 1390.0}
MOST_LOSS, MOST_GAIN = 0.62, 0.25
SIGNAL_SD, POLE_BLUR, SHAM = 0.025, 0.08, 0.02


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
        sites = rng.permutation(np.repeat(np.arange(settings.sites), _quotas(settings, group, count)))
        quantiles = (rng.permutation(count) + rng.uniform(size=count)) / count
        ages = np.round(_truncated(quantiles, 34, 12, 18, 65), 1)
        sexes = rng.permutation(np.where(np.arange(count) < round(0.55 * count), "F", "M"))
        sides, sclerosis = sides_and_sclerosis(rng, count, settings)
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


def _quotas(settings: Simulate, group: str, count: int) -> np.ndarray:
    """Subjects of ``group`` at each site; in the confounded scenario the largest sites see no patient."""
    closed = CONTROL_SITES if settings.scenario == "confounded" and group == "tle" else 0
    return np.r_[np.zeros(closed, int), quotas(count, settings.sites - closed)]


def draw(assignment: Assignment, settings: Simulate, seed: int, *, shifts: tuple[float, float] = (0.0, 0.0)) -> Latents:
    """Draw a whole simulated subject; ``shifts`` are its site's: of the severity, and of every log volume."""
    z = _draws(assignment, seed)
    disease = _disease(assignment, settings, z, shifts[0])
    icv = float(np.clip(REFERENCE_ICV_ML[assignment.sex] * np.exp(0.08 * z[0]), 1050, 1900))
    expected = _expected(assignment, icv, shifts[1])
    horn = _both_sides(z[5], z[17:20], -np.sqrt(GENERAL_SIZE / 2))
    healthy = {}
    for row, name in enumerate(SOLVED):
        own = _both_sides(z[5], z[8 + 3 * row : 11 + 3 * row], np.sqrt(GENERAL_SIZE))
        for where, sd in zip(FRAME, own, strict=True):
            healthy[f"{name}_{where}"] = float(np.exp(SPREAD[name] * sd)) * expected[where]
    return replace(
        disease,
        icv_ml=icv,
        ratio={name: float(np.clip(healthy[name] * loss, 0.3, 1.6)) for name, loss in disease.ratio.items()},
        horn_push={w: _push(disease.horn_push[w] + HORN_SPREAD * sd) for w, sd in zip(FRAME, horn, strict=True)},
        signal={w: disease.signal[w] + SIGNAL_SD * z[22 + i] for i, w in enumerate(FRAME)},
        pole_blur={
            w: float(np.clip(disease.pole_blur[w] + POLE_BLUR * (1 + z[24 + i]), 0, 0.6)) for i, w in enumerate(FRAME)
        },
        thinning=float(0.3 * z[26]),
    )


def draw_planted(assignment: Assignment, settings: Simulate, seed: int) -> Latents:
    """Draw what is planted into a real head: the disease, and in everyone a sham change of the same structures.

    The sham (2 % of the volume, no mean) sends controls through the same interpolation as patients, which must not
    tell them apart.
    """
    z = _draws(assignment, seed)
    disease = _disease(assignment, settings, z, 0.0)
    ratio = {name: loss * float(np.exp(SHAM * z[30 + i])) for i, (name, loss) in enumerate(disease.ratio.items())}
    return replace(disease, ratio=ratio, horn_push={w: _push(value) for w, value in disease.horn_push.items()})


def _draws(assignment: Assignment, seed: int) -> np.ndarray:
    """Always the same number, so that group and side change no other draw."""
    return generator(seed, "subject", assignment.participant_id).standard_normal(40)


def _disease(assignment: Assignment, settings: Simulate, z: np.ndarray, severity_shift: float) -> Latents:
    """What TLE adds: every ratio 1 and every change 0 in a control."""
    patient, sclerosis = assignment.group == "tle", assignment.hs == "yes"
    preset = PRESETS[settings.preset]
    scale = severity_scale(settings) if patient else 0.0
    network = scale * float(_truncated(ndtr(z[1]), 1, preset.network_sd, 0, 2.2))
    network *= 1 if sclerosis else preset.negative_network
    mean, sd, low, high = preset.sclerosis if sclerosis else preset.negative
    drawn = float(_truncated(ndtr(0.3 * z[1] + 0.954 * z[2]), mean, sd, low, high)) + severity_shift
    loss = float(np.clip(scale * drawn, -MOST_GAIN, MOST_LOSS))
    bilateral = patient and sclerosis and ndtr(z[3]) < settings.bilateral_share
    contra = max(loss, 0) * (0.4 + 0.3 * float(ndtr(z[4]))) if bilateral else 0.0
    ratio = {
        f"{name}_{where}": float(np.exp(SPREAD[name] * effect * network))
        for name in SOLVED
        for where, effect in zip(FRAME, EFFECT[name], strict=True)
    }
    ratio["hippocampus_ipsi"] *= 1 - loss
    ratio["hippocampus_contra"] *= 1 - contra
    return Latents(
        icv_ml=float("nan"),
        ratio=ratio,
        horn_push={
            w: HORN_SPREAD * effect * network - HORN_DRAG * float(np.log(ratio[f"hippocampus_{w}"]))
            for w, effect in zip(FRAME, HORN_EFFECT, strict=True)
        },
        severity=loss,
        contra_loss=contra,
        network=network,
        head_weight=0.4 * float(ndtr(z[20])) * (scale > 0),
        duration=float(_truncated(ndtr(0.2 * z[2] + 0.98 * z[21]), 17, 11, 1, 50)) if patient else 0.0,
        signal={"ipsi": preset.signal * SIGNAL_SD * network, "contra": -0.2 * SIGNAL_SD * network},
        pole_blur={"ipsi": preset.pole * POLE_BLUR * network, "contra": 0.2 * POLE_BLUR * network},
    )


def _push(log_change: float) -> float:
    """The horn's push for a drawn change of its log volume; bounded, since the field saturates."""
    return float(np.clip(log_change / HORN_GAIN, -0.35, 0.45))


def sides_and_sclerosis(rng: np.random.Generator, count: int, settings: Simulate) -> tuple[np.ndarray, np.ndarray]:
    """Side and sclerosis with exact shares, sclerosis equally common on both sides."""
    left = round(settings.left_share * count)
    side = np.where(np.arange(count) < left, "left", "right")
    turn = np.floor((np.arange(count) + 1) * settings.sclerosis_share + 1e-9)
    sclerosis = np.where(np.diff(turn, prepend=0) > 0, "yes", "no")
    order = rng.permutation(count)
    return side[order], sclerosis[order]


def _expected(assignment: Assignment, icv_ml: float, site_shift: float) -> dict[str, float]:
    """Expected ratio to the head-scaled template: structures grow more slowly than heads, shrink with age, and differ
    by side.
    """
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
    """Quantile function of a normal distribution cut at ``low`` and ``high``."""
    below, above = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
    return mean + sd * ndtri(below + np.asarray(quantile) * (above - below))
