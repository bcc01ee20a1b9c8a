"""Patches: the inverse, the order of tokens, and a patch that does not divide is refused with the nearest that does."""

import pytest
import torch

from tlesynth.diffusion.transformer.patches import check_patch, patchify, unpatchify
from tlesynth.errors import TlesynthError


@pytest.mark.parametrize("patch", [(2, 2, 2), (1, 3, 2), (4, 6, 4)])
def test_unpatchify_undoes_patchify(patch: tuple[int, int, int]) -> None:
    z = torch.randn(2, 3, 4, 6, 4)
    tokens = patchify(z, patch)
    grid = (4 // patch[0], 6 // patch[1], 4 // patch[2])
    assert tokens.shape == (2, grid[0] * grid[1] * grid[2], 3 * patch[0] * patch[1] * patch[2])
    assert torch.equal(unpatchify(tokens, patch, grid), z)


def test_a_token_is_one_patch_and_z_runs_fastest() -> None:
    z = torch.randn(2, 2, 4, 6, 4)
    tokens = patchify(z, (2, 2, 2))
    assert torch.equal(tokens[0, 1].reshape(2, 2, 2, 2), z[0, :, :2, :2, 2:4])
    assert torch.equal(tokens[0, 2].reshape(2, 2, 2, 2), z[0, :, :2, 2:4, :2])


def test_a_patch_that_does_not_divide_is_refused_with_the_nearest_that_does() -> None:
    check_patch((28, 34, 28), (4, 2, 4))
    with pytest.raises(TlesynthError) as caught:
        check_patch((28, 34, 28), (4, 4, 4))
    assert caught.value.code == "CFG-003" and "[4, 2, 4]" in str(caught.value)
    with pytest.raises(TlesynthError, match=r"\[2, 17, 14\]"):
        check_patch((14, 17, 14), (3, 16, 99))
