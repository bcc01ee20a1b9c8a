"""Reading latents: by split, with the mirrored scans, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.diffusion.conditioning import classes_of
from tlesynth.diffusion.latents import read_about, read_latents
from tlesynth.errors import TlesynthError

CLASSES = classes_of("group-side")


def read(folder: Path, split: str = "gen_train", flip: bool = False):  # noqa: ANN201 (a test's shorthand)
    return read_latents(folder, folder.parent / "splits.tsv", split, CLASSES, flip=flip)


def test_a_split_is_read_with_its_classes(latents: Path) -> None:
    fitted, held_out = read(latents), read(latents, "val")
    assert fitted.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert held_out.ids == ("sub-hc0", "sub-tleleft0", "sub-tleright0")
    stored = np.load(latents / "mean.npy")
    assert np.array_equal(held_out.values.numpy(), stored[[0, 4, 8]])


def test_mirrored_scans_follow_with_sides_swapped(latents: Path) -> None:
    both = read(latents, flip=True)
    assert len(both) == 18
    assert both.labels[9:].tolist() == [0, 0, 0, 2, 2, 2, 1, 1, 1]
    # A mirrored left TLE looks as a right TLE does: bright on the left half of channel 0.
    right, mirrored_left = both.values[both.labels == 2][:3], both.values[both.labels == 2][3:]
    assert abs(right[:, 0, :7].mean() - mirrored_left[:, 0, :7].mean()) < 0.1


def code_of(folder: Path, split: str = "gen_train", flip: bool = False) -> str:
    with pytest.raises(TlesynthError) as caught:
        read(folder, split, flip)
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


def test_missing_and_damaged_arrays_are_refused(latents: Path) -> None:
    (latents / "mean_flipped.npy").unlink()
    assert code_of(latents, flip=True) == "DATA-011"
    whole = (latents / "mean.npy").read_bytes()
    (latents / "mean.npy").write_bytes(whole[:500])
    assert code_of(latents) == "DATA-001"
    np.save(latents / "mean.npy", np.zeros((3, 2, 2, 2, 2), np.float32))
    assert code_of(latents) == "DATA-001"


def test_a_description_without_the_autoencoder_is_refused(latents: Path) -> None:
    assert read_about(latents)["grid"] == "mni-3mm"
    durable.write_json(latents / "latents.json", {"grid": "mni-3mm", "shape": [1]})
    with pytest.raises(TlesynthError, match="no autoencoder"):
        read_about(latents)
