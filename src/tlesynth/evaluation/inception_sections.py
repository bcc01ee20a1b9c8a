"""What Inception-V3 says of the synthetic cohort and of the reconstructions: the paper's FID, and the proper figures.

One pass over the volumes gives both conventions. Without the official weights nothing here is computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from tlesynth import weights
from tlesynth.data.cohort import GROUPS, Cohort
from tlesynth.evaluation import inception
from tlesynth.evaluation.sections import (
    HELD_OUT,
    NO_RECONSTRUCTION,
    NO_SYNTHETIC,
    REFERENCE,
    TRAINED,
    Inputs,
    Intervals,
    volumes_of,
    without_weights,
)
from tlesynth.evaluation.slices import PLANES
from tlesynth.metrics.kid import kid, kid_against_floor, kid_difference
from tlesynth.metrics.statistics import Json, Resampling, not_computed

NAME = "inception-v3"
FEWEST_FOR_FID, INDEPENDENT = 100, 2048
CAVEAT = (
    "Descriptive: every coronal slice counts, empty ones too, slices of one head are not independent, and the value "
    "grows as scans get fewer. Read it beside its floor."
)
DESCRIPTIVE = f"Descriptive: below {INDEPENDENT} independent scans the value depends on their number."
EMPTY = not_computed("a set of this class is empty")


@dataclass(frozen=True)
class Described:
    """Features by plane, (subjects, slices, 2048), of one group's synthetic, training and reference scans."""

    made: inception.Features
    trained: inception.Features
    reference: inception.Features

    def of(self, plane: str) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
        """The three sets of one plane."""
        return self.made[plane], self.trained[plane], self.reference[plane]

    @property
    def complete(self) -> bool:
        """Whether no set is empty."""
        return all((self.made, self.trained, self.reference))


def network() -> nn.Module | Json:
    """The official network, or why there is none and the command that fetches it."""
    return without_weights(NAME) or weights.inception_network()


def describe(inputs: Inputs, extractor: nn.Module | Json) -> dict[str, Described] | Json:
    """Features of every scan by group, or why there are none."""
    if isinstance(extractor, dict):
        return extractor
    if inputs.synthetic is None:
        return NO_SYNTHETIC
    found = {}
    for group in GROUPS:
        made = _features(inputs.synthetic, inputs.synthetic.of_group(group), extractor)
        real = (_features(inputs.real, inputs.real_ids(group, splits), extractor) for splits in (TRAINED, HELD_OUT))
        found[group] = Described(made, *real)
    return found


def papers_fid(described: dict[str, Described] | Json, how: Intervals) -> Json:
    """FID per class on every coronal slice (paper, Table 2), which always carries its caveat."""
    if "not_computed" in described:
        return dict.fromkeys(GROUPS, described)
    result: Json = {"features": NAME, "weights": weights.provenance(NAME), "reference": REFERENCE, "caveat": CAVEAT}
    for group in GROUPS:
        sets: Described = described[group]
        figures = inception.fid_against_floor(*sets.of(inception.ALL), how.of("fid", group)) if sets.complete else EMPTY
        result[group] = figures
    return result


def by_plane(described: dict[str, Described] | Json, how: Intervals) -> Json:
    """KID and FID per plane and class on fixed slices, each beside its floor, and across classes."""
    if "not_computed" in described:
        return described
    if not all(described[group].complete for group in GROUPS):
        return EMPTY
    result: Json = {"features": NAME, "weights": weights.provenance(NAME)}
    return result | {plane: _plane(described, plane, how) for plane in PLANES}


def reconstruction_fid(inputs: Inputs, ids: list[str], extractor: nn.Module | Json, how: Resampling) -> Json:
    """FID between originals and their reconstructions, the paper's way: near 0 by nature, since the sets are paired."""
    if isinstance(extractor, dict) or inputs.reconstructed is None:
        return extractor if isinstance(extractor, dict) else NO_RECONSTRUCTION
    sets = [_features(cohort, ids, extractor) for cohort in (inputs.real, inputs.reconstructed)]
    if not all(sets):
        return EMPTY
    found = inception.fid_interval(*(s[inception.ALL] for s in sets), len(ids), how, paired=True)
    return found | {"features": NAME, "weights": weights.provenance(NAME)}


def _plane(described: dict[str, Described], plane: str, how: Intervals) -> Json:
    result: Json = {"cross": {}, "own_minus_cross": {}}
    for group, other in (GROUPS, GROUPS[::-1]):
        sets = described[group].of(plane)
        others = described[other].reference[plane]
        result[group] = {
            "kid": kid_against_floor(*sets, how.of("inception", "kid", plane, group)),
            "fid": proper_fid(*sets, how.of("inception", "fid", plane, group)),
        }
        crossed = how.of("inception", "kid", plane, group, other)
        result["cross"][f"{group}_to_{other}"] = kid(sets[0], others, crossed)
        result["own_minus_cross"][group] = kid_difference(sets[0], sets[2], others, crossed)
    return result


def proper_fid(
    made: NDArray[np.floating], trained: NDArray[np.floating], reference: NDArray[np.floating], how: Resampling
) -> Json:
    """FID with its floor, ratio and value at infinity; fewer than 100 scans in a set have their KID instead."""
    fewest = min(len(made), len(trained), len(reference))
    if fewest < FEWEST_FOR_FID:
        reason = (
            f"{fewest} scans in the smallest set; below {FEWEST_FOR_FID} a FID says more about their number: see KID"
        )
        return not_computed(reason)
    found = inception.fid_against_floor(made, trained, reference, how)
    found["infinity"] = inception.fid_at_infinity(made, reference, found["value"], how)
    return found | ({"caveat": DESCRIPTIVE} if fewest < INDEPENDENT else {})


def _features(cohort: Cohort, ids: list[str], extractor: nn.Module) -> inception.Features:
    return inception.inception_features(volumes_of(cohort, ids, "Inception features"), cohort.grid, extractor)
