"""The kind ``volumes``: a model on figures of structures, logistic or with a kernel, kept as numbers.

Coefficients and support vectors are evaluated here; scikit-learn only fits them (tlesynth.classifier.table_fit).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tlesynth.classifier.structure_figures import figures, sizes_of, structure_names
from tlesynth.classifier.tensors import fitted_of, tensors_of
from tlesynth.data.anatomy import SIDES, structure_mask
from tlesynth.data.template import load_template
from tlesynth.recipe import Classifier
from tlesynth.volume import Grid

Floats = NDArray[np.float64]
PATH_STEPS = 64


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
        return tensors_of(self)

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> TableModel:
        """What ``tensors`` gave; KeyError if one is missing."""
        return fitted_of(cls, tensors)

    def shares(self, row: Floats) -> Floats:
        """What each figure of a scan (F,) adds to its logit, from that of a scan with average figures: (F,).

        Slopes along the straight way between them, as integrated gradients.
        """
        end = self.standardised(row[None])[0]
        places = (np.arange(PATH_STEPS) + 0.5)[:, None] / PATH_STEPS * end  # (P, F)
        if self.width == 0:
            slopes = np.broadcast_to(self.weights @ self.vectors, places.shape)
        else:
            away = places[:, None] - self.vectors[None]  # (P, V, F)
            kernel = self.weights * np.exp(-self.width * (away**2).sum(axis=2))  # (P, V)
            slopes = -2 * self.width * (kernel[..., None] * away).sum(axis=1)
        return slopes.mean(axis=0) * end


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

    def attribution(self, volume: NDArray[np.floating], average: NDArray[np.floating]) -> NDArray[np.float32]:
        """Each structure's part of the logit, spread evenly over where the template has it on both sides: (X, Y, Z)."""
        shares = self.model.shares(self.figures(volume[None])[0])
        names, template = structure_names(self.settings), load_template(self.grid)
        total = np.zeros(self.grid.shape, np.float32)
        for name, share in zip(names, shares.reshape(len(names), -1).sum(axis=1), strict=True):
            place = sum(structure_mask(name, template, self.grid, side) for side in SIDES)
            total += (share * place / np.sum(place)).astype(np.float32)
        return total

    def tensors(self) -> dict[str, Tensor]:
        """What the model learned."""
        return self.model.tensors()
