"""The volumes of a step are drawn as one, whatever the number of parts."""

import pytest
import torch

from tlesynth import recipe
from tlesynth.autoencoder.learning.draws import Draws
from tlesynth.autoencoder.scans import Scans

IDS = tuple(f"sub-{number}" for number in range(7))


def draws(**changes: object) -> Draws:
    voxels = torch.rand(7, 16, 16, 24, generator=torch.Generator().manual_seed(0)).half()
    settings = recipe.Autoencoder.model_validate({"perceptual": "none", "adversarial_phase": {"rounds": 0}} | changes)
    return Draws(Scans(voxels, IDS), settings, 4, 3.0, 5, torch.device("cpu"))


def test_parts_are_the_batch_cut_in_pieces() -> None:
    varied = {"flip": True, "affine_share": 0.5, "gain": 0.1}
    whole = list(draws(reconstruction={"batch_size": 4}, augmentation=varied).parts("reconstruction", 3))
    parts = list(
        draws(reconstruction={"batch_size": 1, "accumulate": 4}, augmentation=varied).parts("reconstruction", 3)
    )
    assert len(whole) == 1 and whole[0].share == 1
    # 7 scans make steps of 4 and 3; step 3 is the second of its epoch.
    assert len(parts) == 3 and sum(part.share for part in parts) == pytest.approx(1)
    assert torch.equal(torch.cat([part.x for part in parts]), whole[0].x)
    assert torch.equal(torch.cat([part.noise for part in parts]), whole[0].noise)
    own = [[torch.rand(1, generator=g).item() for part in these for g in part.draws] for these in (whole, parts)]
    assert own[0] == own[1] and len(set(own[0])) == 3


def test_a_short_last_part_weighs_less() -> None:
    parts = list(draws(reconstruction={"batch_size": 2, "accumulate": 2}).parts("reconstruction", 1))
    assert [len(part.x) for part in parts] == [2, 1]
    assert [part.weighed({"l1": torch.tensor(3.0)})["l1"].item() for part in parts] == pytest.approx([2, 1])


def test_each_scan_is_seen_once_an_epoch_and_is_named() -> None:
    drawn = draws(reconstruction={"batch_size": 2, "accumulate": 2})
    assert sorted(drawn.names("finetuning", 0) + drawn.names("finetuning", 1)) == sorted(IDS)
    (part, *_) = drawn.parts("finetuning", 0)
    rows = [IDS.index(name) for name in drawn.names("finetuning", 0)[:2]]
    assert torch.equal(part.x[:, 0], drawn.scans.voxels[rows].float())


def test_noise_fits_the_crop() -> None:
    (part,) = draws(crop=(8, 12, 16)).parts("reconstruction", 0)
    assert part.x.shape == (2, 1, 8, 12, 16) and part.noise.shape == (2, 4, 2, 3, 4)


def test_ways_and_steps_draw_apart_and_repeat() -> None:
    drawn = draws()
    (first,), (again,) = drawn.parts("reconstruction", 0), drawn.parts("reconstruction", 0)
    (other,), (next_step,) = drawn.parts("finetuning", 0), drawn.parts("reconstruction", 1)
    assert torch.equal(first.noise, again.noise)
    assert not torch.equal(first.noise, other.noise) and not torch.equal(first.noise, next_step.noise)
