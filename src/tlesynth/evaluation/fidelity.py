"""How faithful the autoencoder and the synthetic cohort are: every section that compares images with real ones."""

from __future__ import annotations

import pandas as pd

from tlesynth.evaluation import generation, inception_sections
from tlesynth.evaluation.diversity import diversity
from tlesynth.evaluation.measure import Measured
from tlesynth.evaluation.reconstruction import reconstruction
from tlesynth.evaluation.sections import Inputs, Intervals
from tlesynth.metrics.statistics import Json


def fidelity(inputs: Inputs, measured: Measured, how: Intervals) -> tuple[Json, pd.DataFrame]:
    """The sections reconstruction, frechet, generation, fid and diversity, and a row per reconstructed scan."""
    rebuilt, per_scan = reconstruction(inputs, measured, how.of("reconstruction"))
    extractor = inception_sections.network()
    if "not_computed" not in rebuilt:
        test = list(per_scan["participant_id"][per_scan["split"] == "test"])
        copies = inception_sections.reconstruction_fid(inputs, test, extractor, how.of("fid", "copies"))
        rebuilt = rebuilt | {"fid": copies}
    described = inception_sections.describe(inputs, extractor)
    generated = generation.generation(measured, how)
    if "not_computed" not in generated:
        generated = generated | {"inception": inception_sections.by_plane(described, how)}
    return {
        "reconstruction": rebuilt,
        "frechet": generation.frechet(measured, how),
        "generation": generated,
        "fid": inception_sections.papers_fid(described, how),
        "diversity": diversity(inputs, how),
    }, per_scan
