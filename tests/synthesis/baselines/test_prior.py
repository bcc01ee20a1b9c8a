"""Noise through the decoder: standard normal in the autoencoder's own units, a subject by its name alone."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from tlesynth.synthesis.baselines.prior import Prior
from tlesynth.synthesis.requests import Subject
from tlesynth.volume import GRIDS

MEAN, SCALE = 3.0, 0.5


class Coder(SimpleNamespace):
    """Decodes a normalised latent to itself, undone."""

    grid, latent_shape, fingerprint = GRIDS["mni-3mm"], (2, 4, 5, 6), "a" * 64
    latent_mean = torch.full((2,), MEAN)

    def normalise(self, mean: Tensor) -> Tensor:
        return (mean - MEAN) / SCALE

    def from_latents(self, z: Tensor) -> Tensor:
        return (z * SCALE + MEAN).flatten(1).reshape(1, 1, 8, 5, 6)


def drawn(seed: int, *names: str, **asked: str) -> np.ndarray:
    made = Prior(cast(Any, Coder()), seed)
    return np.stack(list(made.volumes([Subject(name, asked) for name in names], 0)))


def test_the_decoder_sees_standard_normal_noise() -> None:
    found = drawn(0, *(f"sub-syn{i:04d}" for i in range(200)))
    assert abs(found.mean()) < 0.02 and abs(found.std() - 1) < 0.02
    assert abs(np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1]) < 0.3


def test_a_subject_is_the_same_in_any_company_and_whatever_is_asked() -> None:
    both = drawn(5, "sub-syn0001", "sub-syn0002", group="hc")
    assert np.array_equal(drawn(5, "sub-syn0002", group="tle")[0], both[1])
    assert not np.array_equal(drawn(6, "sub-syn0002")[0], both[1])


def test_the_sidecar_says_what_decides_it() -> None:
    made, subject = Prior(cast(Any, Coder()), 5), Subject("sub-syn0001", {"group": "hc"})
    facts = [made.sidecar(subject, attempt) for attempt in (0, 1)]
    assert facts[0]["Generator"] == "baseline prior" and facts[0]["AutoencoderHash"] == "a" * 64
    assert facts[0]["Seed"] != facts[1]["Seed"]
