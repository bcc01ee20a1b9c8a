"""One slice as a request names it: plane and number in the path, the window behind the question mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from fastapi import Depends, Query
from starlette.responses import Response

from tlesynth.reader_study.answers import Refused
from tlesynth.reader_study.pictures import AXES, Bytes3D, overlaid_png, slice_png


@dataclass(frozen=True)
class Slice:
    """A slice that is asked for; ``low`` and ``high`` are shown as black and white."""

    plane: str
    index: int
    low: int
    high: int

    def of(self, voxels: Bytes3D) -> Response:
        """This slice of (X, Y, Z) as PNG, of a length that only the plane decides.

        Raises:
            Refused: 404 where there is no such slice or window.
        """
        self._require(voxels.shape)
        return _png(slice_png(voxels, self.plane, self.index, self.low, self.high))

    def overlaid(self, voxels: Bytes3D, change: np.ndarray, top: float) -> Response:
        """The same with ``change`` (the same shape) in colours that end at ``top``.

        Raises:
            Refused: as ``of``.
        """
        self._require(voxels.shape)
        return _png(overlaid_png(voxels, change, self.plane, self.index, top))

    def _require(self, shape: tuple[int, ...]) -> None:
        if self.plane not in AXES or not 0 <= self.index < shape[AXES[self.plane]] or self.low >= self.high:
            raise Refused(404, "not found")


def _wanted(
    plane: str,
    index: int,
    low: Annotated[int, Query(ge=0, le=254)] = 0,
    high: Annotated[int, Query(ge=1, le=255)] = 255,
) -> Slice:
    return Slice(plane, index, low, high)


Wanted = Annotated[Slice, Depends(_wanted)]
"""What a route whose path has ``{plane}/{index}.png`` takes."""


def _png(content: bytes) -> Response:
    return Response(content, media_type="image/png")
