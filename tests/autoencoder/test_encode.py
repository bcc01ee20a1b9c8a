"""Latents are normalised over the training set, mirrored scans have their own, held-out scans are rebuilt."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tlesynth import durable
from tlesynth.autoencoder import encode as module
from tlesynth.autoencoder.encode import encode_cohort, index_of
from tlesynth.autoencoder.latent_file import NAME
from tlesynth.autoencoder.model import attach_gate, load_autoencoder, read_gate
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.data.cohort import VOLUMES, CohortWriter, read_cohort
from tlesynth.errors import TlesynthError
from tlesynth.locking import holding
from tlesynth.recipe import Augmentation, Encode
from tlesynth.volume import GRIDS


def encode(run: Path, cohort: tuple[Path, Path], out: Path) -> Path:
    encode_cohort(run / "model", *cohort, out / "latents", out / "reconstructions", device="cpu")
    return out


@pytest.fixture(scope="module")
def encoded(run: Path, cohort: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(run, cohort, tmp_path_factory.mktemp("encoded"))


def latents(encoded: Path) -> np.ndarray:
    return np.load(encoded / "latents" / NAME, mmap_mode="r")


def about(encoded: Path) -> dict:
    return json.loads((encoded / "latents" / "latents.json").read_text())


def test_latents_of_the_training_set_have_mean_0_and_deviation_1(encoded: Path) -> None:
    durable.verify(encoded / "latents")
    index = durable.read_table(encoded / "latents" / "index.tsv")
    told = ["group", "side", "hs", "age", "sex", "site"]
    assert list(index.columns) == ["row", "participant_id", "split", *told]
    assert latents(encoded).shape == (6, 2, 2, 4, 5, 6, 5) and latents(encoded).dtype == np.float16
    fitted = latents(encoded)[index["split"] == "gen_train", 0, 0].astype(np.float64)
    np.testing.assert_allclose(fitted.mean(axis=(0, 2, 3, 4)), 0, atol=2e-3)
    np.testing.assert_allclose(fitted.std(axis=(0, 2, 3, 4)), 1, atol=2e-3)
    assert not list(encoded.glob(".unfinished*"))


def test_a_second_encoding_into_the_same_folder_is_refused(
    run: Path, cohort: tuple[Path, Path], tmp_path: Path
) -> None:
    with (
        holding(tmp_path / "latents", tmp_path / ".latents.lock"),
        pytest.raises(TlesynthError, match="OPS-010.*latents"),
    ):
        encode(run, cohort, tmp_path)
    assert [found.name for found in tmp_path.iterdir()] == [".latents.lock"]


def test_moved_copies_follow_the_scan_and_its_mirror(
    encoded: Path, run: Path, cohort: tuple[Path, Path], tmp_path: Path
) -> None:
    def encode_with(out: Path, copies: Encode) -> np.ndarray:
        encode_cohort(run / "model", *cohort, out / "latents", out / "reconstructions", device="cpu", copies=copies)
        return latents(out)

    still = Augmentation(affine_share=1.0, rotation_deg=0, scale=0, shift_mm=0)
    same = encode_with(tmp_path / "same", Encode(moved_copies=2, move=still))
    np.testing.assert_allclose(same[:, :2], latents(encoded), atol=1e-3)
    np.testing.assert_allclose(same[:, 2:], same[:, :2], atol=0.02)  # moved by nothing, resampled all the same
    other = encode_with(tmp_path / "moved", Encode(moved_copies=3))
    assert other.shape[1] == 5 and about(tmp_path / "moved")["axes"]["view"][2:] == [
        "moved 1",
        "moved 2, mirrored",
        "moved 3",
    ]
    assert np.abs(other[:, 2] - other[:, 0]).mean() > 0.01
    assert np.abs(other[0, 2] - other[0, 4]).mean() > 0.01  # each copy is moved by its own draw


def test_each_row_is_its_participants_scan_and_its_mirror(encoded: Path, run: Path, cohort: tuple[Path, Path]) -> None:
    network, scans = load_autoencoder(run / "model"), read_cohort(cohort[0])
    volume = torch.from_numpy(scans.volume("sub-05"))[None, None]
    for view, shown in enumerate((volume, volume.flip(2))):
        mean, logvar = (torch.from_numpy(part.astype(np.float32))[None] for part in latents(encoded)[4, view])
        torch.testing.assert_close(mean, network.to_latents(shown), rtol=1e-3, atol=1e-3)
        # In the units of the normalised mean the posterior's deviation is smaller by the channel's scale.
        raw = network.encode(shown)[1]
        deviation = torch.exp(0.5 * raw) / network.latent_scale.view(1, -1, 1, 1, 1)
        torch.testing.assert_close(torch.exp(0.5 * logvar), deviation, rtol=5e-3, atol=0)


def test_the_description_tells_whose_latents_they_are_and_how_noisy(encoded: Path, run: Path) -> None:
    told, network = about(encoded), load_autoencoder(run / "model")
    assert told["autoencoder"] == network.fingerprint and told["shape"] == [4, 5, 6, 5]
    gate = read_gate(run / "model")
    assert gate and told["gate"] == {key: gate[key] for key in ("verdict", "reasons", "loosened", "figures")}
    logvar = latents(encoded)[:3, 0, 1].astype(np.float64)  # the training scans
    ratio = float(np.exp(logvar).mean())  # against a variance of 1
    assert told["posterior_noise"]["share"] == pytest.approx(ratio / (1 + ratio), rel=5e-3)
    assert told["posterior_noise"]["scans"] == 3 and len(told["posterior_noise"]["by_channel"]) == 4
    assert told["rounding_over_noise"] < 0.05


def test_a_new_verdict_reaches_the_latents_without_encoding_again(
    run: Path, cohort: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode(run, cohort, tmp_path)
    gate, before = read_gate(run / "model"), latents(tmp_path).copy()
    assert gate
    monkeypatch.setattr(module, "posteriors", lambda *_: pytest.fail("encoded again"))
    try:
        attach_gate(run / "model", gate | {"verdict": "another"})
        encode(run, cohort, tmp_path)
    finally:
        attach_gate(run / "model", gate)
    assert about(tmp_path)["gate"]["verdict"] == "another"
    durable.verify(tmp_path / "latents")
    np.testing.assert_array_equal(latents(tmp_path), before)


def test_a_killed_encoding_goes_on_to_the_same_bits(
    encoded: Path, run: Path, cohort: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, original = [], module.posteriors

    def killed(*arguments: object) -> np.ndarray:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(*arguments)  # ty: ignore[invalid-argument-type]

    monkeypatch.setattr(module, "posteriors", killed)
    monkeypatch.setattr("tlesynth.autoencoder.latent_file.SAFE_EVERY", 2)
    with pytest.raises(KeyboardInterrupt):
        encode(run, cohort, tmp_path)
    assert not (tmp_path / "latents").exists()
    encode(run, cohort, tmp_path)
    assert len(calls) == 4 + 4  # rows 0 and 1 were safe, 2 and 3 are repeated, 4 and 5 follow
    assert (tmp_path / "latents" / NAME).read_bytes() == (encoded / "latents" / NAME).read_bytes()


def test_the_weights_are_hashed_once(
    run: Path, cohort: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed, fingerprint = [], Autoencoder.fingerprint.fget
    monkeypatch.setattr(Autoencoder, "fingerprint", property(lambda n: hashed.append(1) or fingerprint(n)))
    encode(run, cohort, tmp_path)
    assert len(hashed) == 1


def test_a_folder_that_holds_something_else_is_left_alone(run: Path, cohort: tuple[Path, Path], tmp_path: Path) -> None:
    thesis = tmp_path / "latents" / "thesis.tex"
    durable.write_text(thesis, "years of work")
    with pytest.raises(TlesynthError, match=r"CFG-005.*thesis\.tex"):
        encode(run, cohort, tmp_path)
    assert thesis.read_text() == "years of work" and not (tmp_path / "reconstructions").exists()


def test_a_damaged_file_is_made_again(encoded: Path, run: Path, cohort: tuple[Path, Path], tmp_path: Path) -> None:
    encode(run, cohort, tmp_path)
    path = tmp_path / "latents" / NAME
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    encode(run, cohort, tmp_path)
    assert path.read_bytes() == (encoded / "latents" / NAME).read_bytes()


def test_held_out_scans_are_rebuilt_as_a_cohort(encoded: Path, run: Path) -> None:
    network, mean = load_autoencoder(run / "model"), latents(encoded)[4:5, 0, 0].astype(np.float32)
    rebuilt = read_cohort(encoded / "reconstructions")
    assert sorted(rebuilt.ids) == ["sub-04", "sub-05"] and rebuilt.desc == "reconstruction"
    expected = network.from_latents(torch.from_numpy(mean))[0, 0].numpy()
    np.testing.assert_allclose(rebuilt.volume("sub-05"), expected, atol=3e-3)


@pytest.mark.parametrize("other", ["Autoencoder", "ScanSHA256"])
def test_scans_that_were_other_ones_or_rebuilt_by_another_autoencoder_are_rebuilt_again(
    encoded: Path, run: Path, cohort: tuple[Path, Path], other: str
) -> None:
    made = next((encoded / "reconstructions").glob("sub-05/anat/*.json"))
    sidecar = json.loads(made.read_text())
    made.write_text(json.dumps(sidecar | {other: "another"}))
    encode(run, cohort, encoded)
    assert json.loads(made.read_text()) == sidecar


def test_a_participant_in_no_split_is_refused(cohort: tuple[Path, Path], tmp_path: Path) -> None:
    table = durable.read_table(cohort[1])
    durable.write_table(tmp_path / "few.tsv", table[:-1])
    with pytest.raises(TlesynthError, match=r"DATA-010.*sub-06"):
        index_of(read_cohort(cohort[0]), tmp_path / "few.tsv")


@pytest.mark.parametrize(
    ("column", "words"),
    [("row", "table of latents"), ("split", "table of latents"), ("hippocampus_left", "volumes.tsv")],
)
def test_a_column_that_would_be_another_is_refused(cohort: tuple[Path, Path], column: str, words: str) -> None:
    scans = read_cohort(cohort[0])
    taken = replace(scans, participants=scans.participants.assign(**{column: "1"}))
    if column == "hippocampus_left":
        durable.write_table(cohort[0] / VOLUMES, pd.DataFrame({"participant_id": scans.ids, column: 3000.0}))
    try:
        with pytest.raises(TlesynthError, match=f"DATA-001.*participants.tsv.*a column {column}.*{words}"):
            index_of(taken, cohort[1])
    finally:
        (cohort[0] / VOLUMES).unlink(missing_ok=True)


def test_a_cohort_on_another_grid_is_refused(run: Path, cohort: tuple[Path, Path], tmp_path: Path) -> None:
    fine = GRIDS["mni-3mm"]
    writer = CohortWriter(tmp_path / "fine", fine, "preproc", "test", "one volume")
    writer.write("sub-01", np.ones(fine.shape, np.float32), {})
    writer.finish(pd.DataFrame({"group": ["hc"]}, index=["sub-01"]))
    with pytest.raises(TlesynthError, match="NII-030"):
        encode_cohort(run / "model", tmp_path / "fine", cohort[1], tmp_path / "l", tmp_path / "r", device="cpu")
