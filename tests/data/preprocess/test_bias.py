"""A planted coil field is found and taken out, the same way each time."""

from collections.abc import Callable

import numpy as np

from tlesynth.data.preprocess.bias import corrected
from tlesynth.volume import Volume


def test_n4_takes_a_planted_field_out(brain: Callable[..., Volume]) -> None:
    scan = brain(np.eye(4))
    mask = scan.voxels > 0
    x, _, z = np.indices(mask.shape) / np.array(mask.shape).reshape(3, 1, 1, 1) - 0.5
    field = np.exp(0.8 * x - 0.5 * z * z)
    biased = Volume((scan.voxels * field).astype(np.float32), scan.affine)

    def spread(volume: Volume) -> float:
        return float(
            np.std(np.log(volume.voxels[mask & (scan.voxels > 400)] / scan.voxels[mask & (scan.voxels > 400)]))
        )

    flat = corrected(biased, mask, 4)
    assert spread(flat) < 0.45 * spread(biased)
    assert np.array_equal(flat.voxels, corrected(biased, mask, 4).voxels)
