"""From an examination to a verdict: each figure with its interval, and each limit held against one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlesynth.autoencoder.gate.doctor import Moments, channel_noise, channels, posterior_noise
from tlesynth.autoencoder.gate.examination import Examination
from tlesynth.metrics.spectrum import BANDS, PERIODS
from tlesynth.metrics.statistics import FEWEST, Json, Resampling, bootstrap, rounded
from tlesynth.metrics.wording import number
from tlesynth.recipe import Gate
from tlesynth.seeds import generator

PASSED, FAILED, UNJUDGED = "passed", "failed", "not judged"
RESAMPLES, CONFIDENCE = 2000, 0.95
SPECTRUM_UNIT = "cycles per voxel"
TRACES = (*PERIODS, "blocks")
"""What a decoder's grid can leave: waves of 4 and of 2 voxels in the error, steps at the borders of blocks."""
AGREEMENT = 1.96
"""Standard deviations in half the width of the 95 % limits of agreement (Bland and Altman 1986)."""
MEANS = (
    "l1",
    "l1_brain",
    "l1_hippocampus",
    "psnr_db",
    "psnr_brain_db",
    "ssim",
    "hippocampus_bias",
    "hippocampus_bias_left",
    "hippocampus_bias_right",
    "kl_per_element",
)
"""Figures that are means over scans of a column of gate.tsv."""


@dataclass(frozen=True)
class Limit:
    """One limit of the recipe's gate: the figure it is about, which side of it is good, words and unit."""

    figure: str
    words: str
    unit: str = ""
    at_least: bool = False
    either_sign: bool = False


LIMITS: dict[str, Limit] = {
    "l1": Limit("l1_brain", "mean absolute error inside the brain"),
    "psnr": Limit("psnr_db", "PSNR of the whole volume", "dB", at_least=True),
    "hippocampus_l1": Limit("l1_hippocampus", "mean absolute error in the hippocampal region"),
    "hippocampus_bias": Limit("hippocampus_bias", "bias of the hippocampal volume", "%", either_sign=True),
    "hippocampus_agreement": Limit(
        "hippocampus_agreement", "1.96 standard deviations of the hippocampal volume's error", "%"
    ),
    "dead_channels": Limit("dead_channels", "dead latent channels"),
    "posterior_noise": Limit("posterior_noise", "share of posterior noise in the latents", "%"),
    "grid_artefact_db": Limit("grid_artefact_db", "trace of the decoder's grid (waves or blocks)", "dB"),
}


def figures(found: Examination, seed: int) -> dict[str, Any]:
    """Every figure of an examination as JSON: ``{"value", "low", "high", "n"}``, no interval below three scans.

    Reconstructions that are not finite are counted and give no other figure; one that no scan gave is null.
    """
    how = Resampling(RESAMPLES, CONFIDENCE, generator(seed, "autoencoder", "gate"))
    broken = {"value": int((~found.finite).sum()), "low": None, "high": None, "n": len(found.scans)}
    if not found.finite.any():
        return _unmeasured(broken)
    found = found.only(found.finite)
    table = found.scans
    whole: dict[str, Any] = {"not_finite": broken} | {name: _mean(table[name].to_numpy(float), how) for name in MEANS}
    both = table[["hippocampus_bias_left", "hippocampus_bias_right"]].to_numpy(float)
    both = both[np.isfinite(both).all(axis=1)]
    spread = _statistic(lambda rows: AGREEMENT * both[rows].reshape(len(rows), -1).std(axis=1), len(both), how)
    whole["hippocampus_agreement"] = spread if len(both) >= FEWEST else None
    grid = {
        f"{axis}_{period}": table[f"grid_{axis}_{period}_db"].to_numpy(float) for axis in "xyz" for period in TRACES
    }
    lines = np.stack(list(grid.values()), axis=1)  # (N, 9)
    whole["grid_artefact_db"] = _statistic(lambda rows: lines[rows].mean(axis=1).max(axis=1), len(lines), how)
    latents = found.latents
    whole["posterior_noise"] = _statistic(lambda rows: posterior_noise(latents.of(rows)), len(lines), how)
    whole["dead_channels"] = {
        "value": sum(c.dead for c in channels(latents)),
        "low": None,
        "high": None,
        "n": len(lines),
    }
    return {
        "figures": whole,
        "grid_traces": {name: _mean(values, how) for name, values in grid.items()},
        "spectrum": _spectrum(found, how),
        "channels": _channels(latents, how),
    }


def judge(found: dict[str, Any], limits: Gate) -> Json:
    """Hold the ``figures`` of an examination against ``limits``: verdict, reasons, and a row for each limit.

    A limit whose figure could not be measured is not judged; the verdict is ``failed`` if one limit is, ``not judged``
    if none could be. A reconstruction that is not finite fails whatever the limits. An interval that reaches across the
    limit makes a row unsure, and changes nothing else: with few scans no interval fits, with many it hardly matters.
    """
    plain, rows = Gate(), []
    for name, limit in LIMITS.items():
        bound = getattr(limits, name)
        row = {"name": name, "words": limit.words, "unit": limit.unit, "limit": bound, "default": getattr(plain, name)}
        row |= {"at_least": limit.at_least, "either_sign": limit.either_sign}
        row |= {"loosened": _is_looser(bound, getattr(plain, name), limit)}
        rows.append(row | {"figure": limit.figure} | _held(found[limit.figure], bound, limit))
    states = [row["state"] for row in rows]
    reasons = [*_broken(found.get("not_finite")), *(_reason(row) for row in rows if row["state"] == FAILED)]
    verdict = FAILED if reasons else PASSED if PASSED in states else UNJUDGED
    return {"verdict": verdict, "reasons": reasons, "limits": rows}


def carried(verdict: Json, figures: Json) -> Json:
    """What travels with a model and its latents of a ``judge``'s verdict on ``figures``: enough to judge it anew."""
    loosened = [row["name"] for row in verdict["limits"] if row["loosened"]]
    return {key: verdict[key] for key in ("verdict", "reasons")} | {"loosened": loosened, "figures": figures}


def judged_anew(gate: Json | None, limits: Gate) -> Json | None:
    """A failed verdict that was ``carried``, by the recipe's own ``limits``; as it is where these are the product's.

    So limits that were loosened after encoding count at once. One that passed stays passed, and one without figures,
    of an older version, as it is.
    """
    own = limits != Gate(scans=limits.scans)
    if gate is None or gate["verdict"] != FAILED or "figures" not in gate or not own:
        return gate
    return gate | carried(judge(gate["figures"], limits), gate["figures"])


def _held(figure: Json | None, bound: float | None, limit: Limit) -> Json:
    if bound is None or figure is None:
        return {"state": "off" if bound is None else UNJUDGED, "unsure": False, "value": figure and figure["value"]}
    ends = [figure[key] for key in ("value", "low", "high") if figure[key] is not None]
    inside = [_is_inside(end, bound, limit) for end in ends]
    return {"state": PASSED if inside[0] else FAILED, "unsure": len(set(inside)) > 1, "value": figure["value"]}


def _is_inside(value: float, bound: float, limit: Limit) -> bool:
    if limit.at_least:
        return value >= bound
    return (abs(value) if limit.either_sign else value) <= bound


def _is_looser(bound: float | None, plain: float | None, limit: Limit) -> bool:
    if plain is None:
        return False
    return bound is None or (bound < plain if limit.at_least else bound > plain)


def _broken(count: Json | None) -> list[str]:
    """The reason to fail that no limit can switch off."""
    if not count or not count["value"]:
        return []
    return [f"{count['value']} of {count['n']} reconstructions {'is' if count['value'] == 1 else 'are'} not finite"]


def _reason(row: Json) -> str:
    side = "within" if row["either_sign"] else "at least" if row["at_least"] else "at most"
    found, bound = (number(row[key], row["unit"]) for key in ("value", "limit"))
    return f"{row['words']} is {found}, wanted {side} {bound}"


def _unmeasured(broken: Json) -> dict[str, Any]:
    """The figures of an examination in which no reconstruction was finite."""
    names = (*MEANS, "hippocampus_agreement", "grid_artefact_db", "posterior_noise", "dead_channels")
    return {
        "figures": {"not_finite": broken} | dict.fromkeys(names),
        "grid_traces": {f"{axis}_{period}": None for axis in "xyz" for period in TRACES},
        "spectrum": {"edges": list(BANDS), "unit": SPECTRUM_UNIT, "ratio_db": [None] * (len(BANDS) - 1)},
        "channels": [],
    }


def _mean(values: NDArray[np.float64], how: Resampling) -> Json | None:
    values = values[np.isfinite(values)]
    return _statistic(lambda rows: values[rows].mean(axis=1), len(values), how)


def _statistic(statistic: Callable[[NDArray[np.int64]], NDArray[np.float64]], n: int, how: Resampling) -> Json | None:
    """A statistic of scans ``rows`` (B, n) -> (B,) with its interval; below three scans its value alone."""
    if n == 0:
        return None
    if n >= FEWEST:
        return bootstrap(statistic, (n,), how)
    return {"value": rounded(float(statistic(np.arange(n)[None])[0])), "low": None, "high": None, "n": n}


def _spectrum(found: Examination, how: Resampling) -> Json:
    bands = [_mean(band, how) for band in found.ratios.T]
    return {"edges": list(BANDS), "unit": SPECTRUM_UNIT, "ratio_db": bands}


def _channels(latents: Moments, how: Resampling) -> list[Json]:
    rows = []
    for index, channel in enumerate(channels(latents)):
        share = _statistic(lambda rows, i=index: channel_noise(latents.of(rows))[:, i], len(latents.mean), how)
        row = {k: rounded(v) if isinstance(v, float) else v for k, v in asdict(channel).items()}
        rows.append({"channel": index} | row | {"noise_share": share})
    return rows
