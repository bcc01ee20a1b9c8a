"""Arrays and numbers come back from tensors as what they were, an array of one number too."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from tlesynth.classifier.tensors import fitted_of, tensors_of


@dataclass(frozen=True, eq=False)
class Fitted:
    table: NDArray[np.float64]
    single: NDArray[np.float64]
    bias: float


def test_what_was_fitted_comes_back() -> None:
    again = fitted_of(Fitted, tensors_of(Fitted(np.arange(6.0).reshape(2, 3), np.array([2.5]), np.inf)))
    assert np.array_equal(again.table, np.arange(6.0).reshape(2, 3)) and again.bias == np.inf
    assert again.single.shape == (1,) and isinstance(again.bias, float)


def test_a_number_that_is_missing_is_named() -> None:
    whole = tensors_of(Fitted(np.zeros((1, 1)), np.zeros(1), 0.0))
    with pytest.raises(KeyError, match="bias"):
        fitted_of(Fitted, {name: tensor for name, tensor in whole.items() if name != "bias"})
