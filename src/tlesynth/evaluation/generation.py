"""How far the synthetic cohort lies from real scans, in features that need no pretrained network.

Each figure stands beside its floor, the same figure for real training scans against the same held-out real scans. A
class is compared with its own and with the other: synthetic TLE should lie nearer to real TLE than to real controls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlesynth.data.cohort import GROUPS
from tlesynth.evaluation import encoder, radiomics
from tlesynth.evaluation.measure import Measured
from tlesynth.evaluation.sections import HELD_OUT, NO_SYNTHETIC, REFERENCE, SYNTHETIC, TRAINED, Intervals
from tlesynth.metrics.frechet import against_floor, distance_interval
from tlesynth.metrics.kid import kid, kid_against_floor, kid_difference
from tlesynth.metrics.manifold import overlap_against_real
from tlesynth.metrics.spectrum import LEAST_POWER, band_names
from tlesynth.metrics.statistics import Json, Resampling, bootstrap, not_computed
from tlesynth.metrics.two_sample import two_sample

Floats = NDArray[np.float64]
ACROSS = (("hc", "tle"), ("tle", "hc"))
UNTRAINED = not_computed("there is no real training scan to scale the features by")
FEW_TO_TRAIN = not_computed(f"fewer than {encoder.FEWEST} training scans: no encoder")


@dataclass(frozen=True)
class Sets:
    """Features (n, F) by group: of the synthetic scans, the training scans, and the held-out reference."""

    made: dict[str, Floats]
    trained: dict[str, Floats]
    reference: dict[str, Floats]

    def of(self, group: str) -> tuple[Floats, Floats, Floats]:
        """The three sets of one group."""
        return self.made[group], self.trained[group], self.reference[group]


def frechet(measured: Measured, how: Intervals) -> Json:
    """Radiomic Frechet distances of each class, its floor at the same size, and across classes."""
    if reason := _absent(measured):
        return reason
    sets = sets_of(measured, standardised(measured, measured.features))
    return {"features": radiomics.FEATURES, "reference": REFERENCE} | frechet_distances(sets, how, "frechet")


def generation(measured: Measured, how: Intervals) -> Json:
    """All other figures of the synthetic cohort against real scans."""
    if reason := _absent(measured):
        return reason
    radiomic = standardised(measured, measured.features)
    found: Json = {"reference": REFERENCE}
    found["radiomic"] = {"features": radiomics.FEATURES} | spread(sets_of(measured, radiomic), how, "radiomic")
    found["internal"] = FEW_TO_TRAIN
    if measured.embedded.size:
        sets = sets_of(measured, standardised(measured, measured.embedded))
        distances = {"frechet": frechet_distances(sets, how, "internal")}
        found["internal"] = {"features": encoder.NAME} | distances | spread(sets, how, "internal")
    found["two_sample"] = machine_reader(measured, radiomic, how.of("two_sample"))
    found["spectrum"] = spectra(sets_of(measured, measured.spectra), how)
    return found


def standardised(measured: Measured, features: Floats) -> Floats:
    """Features (N, F) in standard deviations of the real training scans."""
    return radiomics.standardised(features, features[(measured.table["split"] == "gen_train").to_numpy()])


def sets_of(measured: Measured, features: Floats) -> Sets:
    """The rows (N, F) of all scans by group and part."""
    parts = (SYNTHETIC, TRAINED, HELD_OUT)
    return Sets(*({g: features[measured.rows(g, splits)] for g in GROUPS} for splits in parts))


def frechet_distances(sets: Sets, how: Intervals, name: str) -> Json:
    """Frechet distance of each class beside its floor, and across classes at the same size."""
    found: Json = {g: against_floor(*sets.of(g), how.of(name, g)) for g in GROUPS}
    found["cross"] = {
        f"{g}_to_{other}": distance_interval(
            sets.made[g], sets.reference[other], min(len(sets.made[g]), len(sets.trained[g])), how.of(name, g, other)
        )
        for g, other in ACROSS
    }
    return found


def spread(sets: Sets, how: Intervals, name: str) -> Json:
    """Kernel distance, own and across classes, and the overlap of the distributions.

    ``own_minus_cross`` below 0: the synthetic scans of a class lie nearer to their own real class than to the other.
    """
    kernel: Json = {g: kid_against_floor(*sets.of(g), how.of(name, "kid", g)) for g in GROUPS}
    kernel["cross"], kernel["own_minus_cross"] = {}, {}
    for g, other in ACROSS:
        made, own, others = sets.made[g], sets.reference[g], sets.reference[other]
        kernel["cross"][f"{g}_to_{other}"] = kid(made, others, how.of(name, "kid", g, other))
        kernel["own_minus_cross"][g] = kid_difference(made, own, others, how.of(name, "kid", "nearer", g))
    return {
        "kid": kernel,
        "overlap": {g: overlap_against_real(*sets.of(g), how.of(name, "overlap", g)) for g in GROUPS},
    }


def machine_reader(measured: Measured, features: Floats, how: Resampling) -> Json:
    """Can a machine tell synthetic from real? And, as its floor, training from held-out real scans?

    Both sets of a test have as many scans of each class, so that the classes themselves tell nothing.
    """

    def balanced(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[Floats, Floats]:
        one, other = [], []
        for group in GROUPS:
            rows = [np.flatnonzero(measured.rows(group, splits)) for splits in (first, second)]
            n = min(len(r) for r in rows)
            chosen = [np.sort(how.generator.permutation(r)[:n]) for r in rows]
            one.append(features[chosen[0]])
            other.append(features[chosen[1]])
        return np.concatenate(one), np.concatenate(other)

    found = {"value": (SYNTHETIC, TRAINED + HELD_OUT), "floor": (TRAINED, HELD_OUT)}
    return {"features": radiomics.FEATURES} | {k: two_sample(*balanced(*pair), how) for k, pair in found.items()}


def spectra(sets: Sets, how: Intervals) -> Json:
    """Power of the synthetic scans over the reference's by band of frequency, dB, and the training scans' as floor."""
    found: Json = {"unit": "dB", "bands": "cycles per voxel"}
    for g in GROUPS:
        made, trained, reference = (10 * np.log10(np.maximum(s, LEAST_POWER)) for s in sets.of(g))
        resampling = how.of("spectrum", g)
        found[g] = {
            band: {
                "value": _mean_difference(made[:, k], reference[:, k], resampling),
                "floor": _mean_difference(trained[:, k], reference[:, k], resampling),
            }
            for k, band in enumerate(band_names())
        }
    return found


def _mean_difference(a: Floats, b: Floats, how: Resampling) -> Json:
    """Mean of ``a`` (n,) minus mean of ``b`` (m,) with its bootstrap interval over subjects."""
    values = np.concatenate([a, b])
    return bootstrap(
        lambda rows: values[rows[:, : len(a)]].mean(axis=1) - values[rows[:, len(a) :]].mean(axis=1),
        (len(a), len(b)),
        how,
    )


def _absent(measured: Measured) -> Json | None:
    if not (measured.table["cohort"] == "synthetic").any():
        return NO_SYNTHETIC
    return None if (measured.table["split"] == "gen_train").any() else UNTRAINED
