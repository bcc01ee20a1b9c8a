"""Are the synthetic heads of a class as different from each other as the real ones? MS-SSIM of pairs within a class.

Only places inside the template's brain count: the background, which all heads share, would make any two alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlesynth.data.cohort import GROUPS, Cohort
from tlesynth.data.template import load_template
from tlesynth.evaluation.radiomics import brain_box
from tlesynth.evaluation.sections import NO_SYNTHETIC, TRAINED, Inputs, Intervals, volumes_of
from tlesynth.metrics.similarity import MS_SSIM_TAPS, inside, ms_ssim, pyramid, scales_that_fit
from tlesynth.metrics.statistics import FEWEST, Floats, Interval, Json, Resampling, not_computed, too_few
from tlesynth.progress import track

METRIC = f"MS-SSIM (kernel {MS_SSIM_TAPS}, inside the template's brain)"
MOST_SUBJECTS = 64
"""Subjects whose scales are held in memory; they give 2016 pairs."""
NO_DIFFERENCE = not_computed("one of the two sets has too few scans")


@dataclass(frozen=True)
class Likeness:
    """Similarity of pairs within a set, and its mean in resamples of the set's subjects."""

    mean: float
    draws: Floats
    n: int
    pairs: int

    def as_json(self, how: Resampling) -> Json:
        """The mean with its interval, and the number of pairs."""
        return _interval(self.mean, self.draws, self.n, how) | {"pairs": self.pairs}


def diversity(inputs: Inputs, how: Intervals) -> Json:
    """MS-SSIM within each class, synthetic beside real (training scans: what the generator saw), and the difference.

    A difference above 0: synthetic heads are more alike than real ones.
    """
    result: Json = {"metric": METRIC, "reference": "real scans of gen_train"}
    for group in GROUPS:
        sets = {"real": (inputs.real, inputs.real_ids(group, TRAINED))}
        if inputs.synthetic is not None:
            sets["synthetic"] = (inputs.synthetic, inputs.synthetic.of_group(group))
        resampling = {name: how.of("diversity", group, name) for name in sets}
        found = {name: _likeness(*sets[name], how, resampling[name]) for name in sets}
        figures: Json = {k: v.as_json(resampling[k]) if isinstance(v, Likeness) else v for k, v in found.items()}
        figures.setdefault("synthetic", NO_SYNTHETIC)
        figures["difference"] = difference(found["real"], found.get("synthetic"), resampling["real"])
        result[group] = figures | {"pairs": figures["synthetic"].get("pairs", 0)}
    return result


def difference(real: Likeness | Json, synthetic: Likeness | Json | None, how: Resampling) -> Json:
    """Mean similarity of the synthetic set minus that of the real one, as JSON."""
    if not (isinstance(real, Likeness) and isinstance(synthetic, Likeness)):
        return NO_DIFFERENCE
    draws = synthetic.draws - real.draws
    return _interval(synthetic.mean - real.mean, draws, real.n + synthetic.n, how)


def choose(ids: list[str], generator: np.random.Generator) -> list[str]:
    """The subjects whose pairs are compared: all, or a random ``MOST_SUBJECTS`` of them."""
    if len(ids) <= MOST_SUBJECTS:
        return list(ids)
    return [ids[i] for i in sorted(generator.choice(len(ids), MOST_SUBJECTS, replace=False))]


def pairwise_similarity(
    volumes: Iterator[NDArray[np.floating]], mask: NDArray[np.bool_], n: int, pairs: int, how: Resampling
) -> Likeness | Json:
    """MS-SSIM of random pairs of ``n`` volumes (X, Y, Z) inside ``mask``; a reason where they are too few.

    Resamples are of subjects, not pairs: pairs that share a head are not independent. 1 is a collapsed set.
    """
    if n < FEWEST:
        return too_few(n)
    scales = scales_that_fit(mask.shape)
    weights, pyramids = inside(mask, scales), [pyramid(volume, scales) for volume in volumes]
    first, second = np.triu_indices(n, 1)
    kept = np.sort(how.generator.permutation(len(first))[:pairs])
    first, second = first[kept], second[kept]
    compared = track(zip(first, second, strict=True), "comparing pairs", len(kept))
    values = np.array([ms_ssim(pyramids[i], pyramids[j], weights) for i, j in compared])
    rows = how.subjects(n)
    counts = np.stack([np.bincount(row, minlength=n) for row in rows])  # (B, n)
    shares = counts[:, first] * counts[:, second]
    with np.errstate(invalid="ignore"):
        return Likeness(float(values.mean()), (shares * values).sum(axis=1) / shares.sum(axis=1), n, len(values))


def _likeness(cohort: Cohort, ids: list[str], how: Intervals, resampling: Resampling) -> Likeness | Json:
    box = brain_box(cohort.grid)
    chosen = choose(ids, resampling.generator)
    volumes = (volume[box] for volume in volumes_of(cohort, chosen, "diversity"))
    mask = load_template(cohort.grid).mask[box] > 0
    return pairwise_similarity(volumes, mask, len(chosen), how.settings.diversity_pairs, resampling)


def _interval(value: float, draws: Floats, n: int, how: Resampling) -> Json:
    low, high = how.limits(draws)
    return Interval(value, min(low, value), max(high, value), n).as_json()
