"""Each held-out scan has its row, and the worst and best reconstructions are kept."""

from pathlib import Path

import numpy as np
import pytest

from tlesynth.autoencoder.gate.examination import KEPT, RANKED_BY, examine
from tlesynth.autoencoder.model import load_autoencoder
from tlesynth.data.cohort import read_cohort


def test_the_worst_and_the_best_reconstructions_are_kept(run: Path, cohort: tuple[Path, Path]) -> None:
    network, scans = load_autoencoder(run / "model"), read_cohort(cohort[0])
    found = examine(network, scans, scans.ids)
    assert list(found.scans["participant_id"]) == scans.ids and found.ratios.shape == (6, found.power.shape[1])
    ranked = found.scans.sort_values(RANKED_BY, ascending=False)["participant_id"].tolist()
    assert list(found.shown) == ranked[:KEPT] + ranked[-KEPT:]
    rebuilt = found.shown["sub-05"]
    row = found.scans.set_index("participant_id").loc["sub-05"]
    assert np.abs(rebuilt - scans.volume("sub-05")).mean() == pytest.approx(row["l1"], rel=1e-4)
    assert row["kl_per_element"] > 0 and 0 < row["posterior_noise"] < 1


def test_a_decoder_that_has_gone_wrong_is_seen(run: Path, cohort: tuple[Path, Path]) -> None:
    network, scans = load_autoencoder(run / "model"), read_cohort(cohort[0])
    network.latent_scale[0] = float("inf")
    found = examine(network, scans, scans.ids[:2])
    assert not found.finite.any() and found.shown == {} and list(found.scans["participant_id"]) == scans.ids[:2]
