"""Latents are normalised over the training set, mirrored scans have their own, held-out scans are rebuilt."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tlesynth import durable
from tlesynth.autoencoder.encode import encode_cohort, index_of
from tlesynth.autoencoder.model import load_autoencoder
from tlesynth.data.cohort import CohortWriter, read_cohort
from tlesynth.errors import TlesynthError
from tlesynth.volume import GRIDS


@pytest.fixture(scope="module")
def encoded(run: Path, cohort: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("encoded")
    encode_cohort(run / "model", *cohort, out / "latents", out / "reconstructions", device="cpu")
    return out


def test_latents_of_the_training_set_have_mean_0_and_deviation_1(encoded: Path) -> None:
    durable.verify(encoded / "latents")
    index = durable.read_table(encoded / "latents" / "index.tsv")
    assert list(index.columns) == ["row", "participant_id", "group", "side", "split"]
    mean = np.load(encoded / "latents" / "mean.npy")
    assert mean.shape == (6, 4, 5, 6, 5) and mean.dtype == np.float32
    fitted = mean[index["split"] == "gen_train"]
    np.testing.assert_allclose(fitted.mean(axis=(0, 2, 3, 4)), 0, atol=2e-3)
    np.testing.assert_allclose(fitted.std(axis=(0, 2, 3, 4)), 1, atol=2e-3)


def test_each_row_is_its_participants_scan_and_its_mirror(encoded: Path, run: Path, cohort: tuple[Path, Path]) -> None:
    mean, flipped = (np.load(encoded / "latents" / f"{name}.npy") for name in ("mean", "mean_flipped"))
    network, scans = load_autoencoder(run / "model"), read_cohort(cohort[0])
    volume = torch.from_numpy(scans.volume("sub-05"))[None, None]
    torch.testing.assert_close(torch.from_numpy(mean[4:5]), network.to_latents(volume), rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(torch.from_numpy(flipped[4:5]), network.to_latents(volume.flip(2)), rtol=1e-2, atol=1e-2)
    about = json.loads((encoded / "latents" / "latents.json").read_text())
    assert about["autoencoder"] == network.fingerprint and about["shape"] == [4, 5, 6, 5]


def test_held_out_scans_are_rebuilt_as_a_cohort(encoded: Path, run: Path) -> None:
    network, mean = load_autoencoder(run / "model"), np.load(encoded / "latents" / "mean.npy")
    rebuilt = read_cohort(encoded / "reconstructions")
    assert sorted(rebuilt.ids) == ["sub-04", "sub-05"] and rebuilt.desc == "reconstruction"
    expected = network.from_latents(torch.from_numpy(mean[4:5]))[0, 0].numpy()
    np.testing.assert_allclose(rebuilt.volume("sub-05"), expected, atol=1e-3)


def test_scans_rebuilt_by_another_autoencoder_are_made_again(
    encoded: Path, run: Path, cohort: tuple[Path, Path]
) -> None:
    made = next((encoded / "reconstructions").glob("sub-05/anat/*.json"))
    sidecar = json.loads(made.read_text())
    made.write_text(json.dumps(sidecar | {"Autoencoder": "another"}))
    encode_cohort(run / "model", *cohort, encoded / "latents", encoded / "reconstructions", device="cpu")
    assert json.loads(made.read_text()) == sidecar


def test_a_participant_in_no_split_is_refused(cohort: tuple[Path, Path], tmp_path: Path) -> None:
    table = durable.read_table(cohort[1])
    durable.write_table(tmp_path / "few.tsv", table[:-1])
    with pytest.raises(TlesynthError, match=r"DATA-010.*sub-06"):
        index_of(read_cohort(cohort[0]), tmp_path / "few.tsv")


def test_a_cohort_on_another_grid_is_refused(run: Path, cohort: tuple[Path, Path], tmp_path: Path) -> None:
    fine = GRIDS["mni-3mm"]
    writer = CohortWriter(tmp_path / "fine", fine, "preproc", "test", "one volume")
    writer.write("sub-01", np.ones(fine.shape, np.float32), {})
    writer.finish(pd.DataFrame({"group": ["hc"]}, index=["sub-01"]))
    with pytest.raises(TlesynthError, match="NII-030"):
        encode_cohort(run / "model", tmp_path / "fine", cohort[1], tmp_path / "l", tmp_path / "r", device="cpu")
