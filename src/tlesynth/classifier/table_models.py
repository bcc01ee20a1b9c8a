"""The kind ``volumes``: a model on figures of structures, logistic or with a kernel, kept as numbers.

Coefficients and support vectors are evaluated here; scikit-learn only fits them (tlesynth.classifier.table_fit).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlesynth.classifier.structure_figures import figures, sizes_of
from tlesynth.recipe import Classifier
from tlesynth.volume import Grid

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TableModel:
    """A decision function on figures: a sum over ``vectors`` (V, F) of ``weights`` (V,) times a kernel, plus ``bias``.

    ``width`` is the kernel's gamma, exp(-gamma |x - v|^2); 0 means the plain product x v. Figures are standardised by
    ``centre`` and ``spread`` (F,), those of the training scans; one that could not be measured counts as the centre.
    """

    centre: Floats
    spread: Floats
    vectors: Floats
    weights: Floats
    bias: float
    width: float

    def logits(self, table: Floats) -> Floats:
        """The decision function, (N,), of figures (N, F)."""
        z = self.standardised(table)
        if self.width == 0:
            return z @ self.vectors.T @ self.weights + self.bias
        distance = ((z[:, None] - self.vectors[None]) ** 2).sum(axis=2)
        return np.exp(-self.width * distance) @ self.weights + self.bias

    def standardised(self, table: Floats) -> Floats:
        """Figures (N, F) in standard deviations of the training scans."""
        z = (table - self.centre) / self.spread
        return np.where(np.isfinite(z), z, 0.0)

    def tensors(self) -> dict[str, Tensor]:
        """All of it, by name."""
        return {name: torch.from_numpy(np.atleast_1d(np.asarray(value))) for name, value in vars(self).items()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> TableModel:
        """What ``tensors`` gave.

        Raises:
            KeyError: if one is missing.
        """
        arrays = {name: tensors[name].double().numpy() for name in cls.__dataclass_fields__}
        return cls(**arrays | {name: float(arrays[name][0]) for name in ("bias", "width")})


class TableScorer:
    """A table model that measures its figures in volumes on ``grid``."""

    def __init__(self, model: TableModel, settings: Classifier, grid: Grid) -> None:
        self.model, self.settings, self.grid = model, settings, grid

    def logits(self, volumes: NDArray[np.floating]) -> Floats:
        """Logits of the positive class, (N,), of volumes (N, X, Y, Z) on [0, 1]."""
        return self.model.logits(self.figures(volumes))

    def figures(self, volumes: NDArray[np.floating]) -> Floats:
        """Figures (N, F) measured in volumes (N, X, Y, Z)."""
        return figures(np.stack([sizes_of(volume, self.grid) for volume in volumes]), self.settings)

    def tensors(self) -> dict[str, Tensor]:
        """What the model learned."""
        return self.model.tensors()
