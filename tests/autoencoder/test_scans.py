"""Scans of a split come in batches; splits that do not fit the cohort are refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tlesynth import durable
from tlesynth.autoencoder.scans import SHARE_OF_CARD, Scans, participants_of, read_scans
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import TlesynthError


def test_a_batch_holds_its_rows_volumes(cohort: tuple[Path, Path]) -> None:
    read = read_cohort(cohort[0])
    scans = read_scans(read, cohort[1], "gen_train")
    assert scans.ids == ("sub-01", "sub-02", "sub-03") and scans.voxels.dtype == torch.float16
    batch = scans.batch(np.array([2, 0]), torch.device("cpu"))
    assert batch.shape == (2, 1, 20, 24, 20) and batch.dtype == torch.float32
    np.testing.assert_allclose(batch[0, 0].numpy(), read.volume("sub-03"), atol=1e-3)


@pytest.mark.parametrize("room", [0.5, 2.0])
def test_a_card_with_room_holds_the_scans(room: float, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = Scans(torch.zeros(3, 4, 4, 4, dtype=torch.float16), ("a", "b", "c"))
    free = int(room * scans.voxels.nbytes / SHARE_OF_CARD)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10 * free))
    placed = list[torch.device]()
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, device: placed.append(device) or tensor)
    card = torch.device("cuda")
    assert scans.held_by(card).ids == scans.ids and placed == ([card] if room > 1 else [])
    assert scans.held_by(torch.device("cpu")) is scans


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda table: pd.concat([table, table[:1]]), r"DATA-007.*sub-01"),
        (lambda table: table.replace("sub-04", "sub-99"), r"DATA-010.*sub-99"),
        (lambda table: table.replace("val", "test"), r"DATA-010.*nobody stands in val"),
    ],
    ids=["twice", "unknown", "empty"],
)
def test_splits_that_do_not_fit_are_refused(
    cohort: tuple[Path, Path], tmp_path: Path, change: object, code: str
) -> None:
    durable.write_table(tmp_path / "splits.tsv", change(durable.read_table(cohort[1])))
    with pytest.raises(TlesynthError, match=code):
        participants_of(read_cohort(cohort[0]), tmp_path / "splits.tsv", "val")
