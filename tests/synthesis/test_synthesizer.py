"""What a decoded volume keeps: the brain, and nothing in the background."""

import numpy as np

from tlesynth.synthesis.synthesizer import brain_only


def test_the_background_is_exactly_zero() -> None:
    volume = np.full((30, 30, 30), 0.02, np.float32)
    volume[8:22, 8:22, 8:22] = 0.7
    volume[14, 14, 14] = 0.0  # a dark voxel inside the brain stays inside
    volume[2, 2, 2] = 0.9  # a bright speck is no brain
    volume[25:29, 25:29, 25:29] = 1.4  # nor is a smaller object
    found = brain_only(volume)
    assert found[10, 10, 10] == np.float32(0.7) and found[14, 14, 14] == 0
    assert (found > 0).sum() == 14**3 - 1
    assert not brain_only(np.full((30, 30, 30), 0.01, np.float32)).any()
