"""Reading latents: by split, with the mirrored scans, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tlesynth import durable
from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.latents import Latents, read_about, read_latents, rows_of
from tlesynth.errors import TlesynthError

SIDE = Condition("side", ("left", "right"), mirror=(("left", "right"), ("right", "left")))
CONDITIONS = Conditions((Condition("group", ("hc", "tle")), SIDE))


def read(folder: Path, split: str = "gen_train", *, flip: bool = False, resample: bool = False) -> Latents:
    rows = rows_of(folder, folder.parent / "splits.tsv", split)
    return read_latents(folder, rows, CONDITIONS, flip=flip, resample=resample)


def test_a_split_is_read_with_its_conditions(latents: Path) -> None:
    fitted, held_out = read(latents), read(latents, "val")
    assert fitted.conditions[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert torch.nan_to_num(fitted.conditions[:, 1], nan=-1).tolist() == [-1, -1, -1, 0, 0, 0, 1, 1, 1]
    assert held_out.ids == ("sub-hc0", "sub-tleleft0", "sub-tleright0")
    stored = np.load(latents / "latents.npy")
    assert np.array_equal(held_out.values.numpy(), stored[[0, 4, 8], 0, 0])
    assert held_out.logvar is None


def test_mirrored_scans_follow_with_sides_swapped(latents: Path) -> None:
    both = read(latents, flip=True)
    assert len(both) == 18
    sides = both.conditions[:, 1]
    assert torch.nan_to_num(sides[9:], nan=-1).tolist() == [-1, -1, -1, 1, 1, 1, 0, 0, 0]
    # A mirrored left TLE looks as a right TLE does: bright on the left half of channel 0.
    right, mirrored_left = both.values[sides == 1][:3], both.values[sides == 1][3:]
    assert abs(right[:, 0, :7].mean() - mirrored_left[:, 0, :7].mean()) < 0.1


def code_of(folder: Path, split: str = "gen_train", flip: bool = False) -> str:
    with pytest.raises(TlesynthError) as caught:
        read(folder, split, flip=flip)
    return caught.value.code


def test_what_does_not_fit_is_refused(latents: Path) -> None:
    splits = latents.parent / "splits.tsv"
    table = durable.read_table(splits)
    assert code_of(latents, "audit_holdout") == "DATA-010"
    durable.write_table(splits, pd.concat([table, table.iloc[:1]]))
    assert code_of(latents) == "DATA-007"
    stranger = table.iloc[:1].assign(participant_id="sub-stranger", split="gen_train")
    durable.write_table(splits, pd.concat([table, stranger]))
    assert code_of(latents) == "DATA-010"


def test_means_come_as_they_are_stored(latents: Path) -> None:
    data = read(latents)
    batch = data.batch(torch.tensor([2, 0]), torch.Generator())
    assert batch.dtype == torch.float32 and torch.equal(batch, data.values[[2, 0]].float())
    mean, variance = data.voxelwise()
    torch.testing.assert_close(mean, data.values.float().mean(0))
    torch.testing.assert_close(variance, data.values.float().var(0, correction=0), rtol=1e-4, atol=1e-5)


def test_draws_have_the_mean_and_variance_of_the_stored_posterior(latents: Path) -> None:
    array = np.load(latents / "latents.npy")
    array[:, :, 1] += np.linspace(-1, 1, array.shape[-1])  # each column of voxels has its own spread
    np.save(latents / "latents.npy", array)
    data = read(latents, resample=True)
    assert data.logvar is not None
    draws = data.batch(torch.zeros(20_000, dtype=torch.int64), torch.Generator().manual_seed(0))
    torch.testing.assert_close(draws.mean(0), data.values[0].float(), rtol=0, atol=0.015)
    torch.testing.assert_close(draws.var(0), data.logvar[0].float().exp(), rtol=0.06, atol=0)
    mean, variance = data.voxelwise()
    expected = data.values.float().var(0, correction=0) + data.logvar.float().exp().mean(0)
    torch.testing.assert_close(variance, expected, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(mean, read(latents).voxelwise()[0])
    assert data.head(2).ids == data.ids[:2] and data.head(2).logvar is not None


def test_missing_and_damaged_arrays_are_refused(latents: Path) -> None:
    path = latents / "latents.npy"
    whole = path.read_bytes()
    path.unlink()
    assert code_of(latents, flip=True) == "DATA-011"
    (latents / "mean.npy").write_bytes(whole)
    with pytest.raises(TlesynthError, match="older version"):
        read(latents)
    path.write_bytes(whole[:500])
    assert code_of(latents) == "DATA-001"
    np.save(path, np.zeros((3, 2, 2, 2, 2), np.float16))
    assert code_of(latents) == "DATA-001"


def test_a_description_without_the_autoencoder_is_refused(latents: Path) -> None:
    assert read_about(latents)["grid"] == "mni-3mm"
    durable.write_json(latents / "latents.json", {"grid": "mni-3mm", "shape": [1]})
    with pytest.raises(TlesynthError, match="no autoencoder"):
        read_about(latents)


def test_moved_copies_are_read_where_they_are_wanted(latents: Path) -> None:
    array = np.load(latents / "latents.npy")
    more = np.concatenate([array, array[:, :1] + np.float16(1), array[:, 1:] + np.float16(1)], axis=1)
    np.save(latents / "latents.npy", more)
    rows = rows_of(latents, latents.parent / "splits.tsv", "val")
    assert len(read(latents, "val")) == 3 and len(read(latents, "val", flip=True)) == 6
    plain = read_latents(latents, rows, CONDITIONS, moved=True)
    assert len(plain) == 6 and torch.allclose(plain.values[3:] - plain.values[:3], torch.ones(1).half(), atol=1e-2)
    both = read_latents(latents, rows, CONDITIONS, flip=True, moved=True)
    sides = torch.nan_to_num(both.conditions[:, 1], nan=-1).reshape(4, 3).tolist()
    assert len(both) == 12 and sides == [[-1, 0, 1], [-1, 1, 0], [-1, 0, 1], [-1, 1, 0]]
