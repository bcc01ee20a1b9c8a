"""A46: a face is seen where there is tissue before and below the brain, and refused where the recipe wants none."""

import numpy as np
import pytest

from tlesynth.data.preprocess import preparation
from tlesynth.data.preprocess.face import VISIBLE, face_share
from tlesynth.data.preprocess.quality import Native
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Preprocess
from tlesynth.volume import Volume

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])
AFFINE[:3, 3] = (-100, -120, -100)


def head(*, face: bool) -> Native:
    """A brain of 100 on air, with a face of 60 before and below it or without."""
    x, y, z = np.moveaxis(np.indices((50, 60, 50)), 0, -1).reshape(-1, 3).T * 4.0 + AFFINE[:3, 3:]
    brain = ((x / 70) ** 2 + ((y + 18) / 88) ** 2 + ((z - 5) / 75) ** 2 < 1).reshape(50, 60, 50)
    nose = ((abs(x) < 50) & (y > 60) & (y < 92) & (z < -20)).reshape(50, 60, 50) & ~brain
    return Native(Volume((100 * brain + 60 * (nose & face)).astype(np.float32), AFFINE), brain)


@pytest.mark.parametrize("face", [True, False])
def test_a46_a_face_is_seen_where_it_is(face: bool) -> None:
    whole = head(face=face)
    assert (face_share(whole.scan, whole.mask, np.eye(4)) > VISIBLE) == face
    moved = np.eye(4)
    moved[1, 3] = 200  # the place of the face now lies outside the scan
    assert face_share(whole.scan, whole.mask, moved) == 0


def test_a46_a_recipe_that_wants_none_refuses_a_face() -> None:
    strict = Preprocess(require_defaced=True)
    assert preparation._face(head(face=True), np.eye(4), Preprocess()) > VISIBLE
    assert preparation._face(head(face=False), np.eye(4), strict) == 0
    with pytest.raises(TlesynthError, match=r"PRIV-003.*tissue fills") as caught:
        preparation._face(head(face=True), np.eye(4), strict)
    assert caught.value.exit_status == 9
