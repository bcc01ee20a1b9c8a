"""The validation sums: means over scans, with and without the adversarial term, of the weights that are saved."""

from pathlib import Path

import pytest
import torch

from tlesynth import recipe
from tlesynth.autoencoder.learning.learners import build_networks, learners_of
from tlesynth.autoencoder.learning.objective import objective_of
from tlesynth.autoencoder.learning.validation import validation_of
from tlesynth.autoencoder.scans import Scans, read_scans
from tlesynth.data.cohort import read_cohort
from tlesynth.training import fabric_for


def test_the_sums_are_means_over_scans_and_the_paper_adds_its_term(
    cohort: tuple[Path, Path], settings: recipe.Autoencoder
) -> None:
    fabric, read = fabric_for("cpu", "32-true"), read_cohort(cohort[0])
    scans = read_scans(read, cohort[1], "gen_train")
    networks = build_networks(settings, scans, read.grid, fabric, seed=3)
    objective = objective_of(settings, read.grid, fabric.device)
    learners = learners_of(networks, scans, objective, settings, seed=3)

    def figures(of: Scans) -> dict[str, float]:
        return validation_of(networks, learners, of, objective, fabric, seed=3)()

    whole = figures(scans)
    each = [figures(Scans(scans.voxels[i : i + 1], scans.ids[i : i + 1])) for i in range(len(scans))]
    for name in ("score", "l1", "kl", "perceptual"):
        assert whole[name] == pytest.approx(sum(row[name] for row in each) / len(each), rel=1e-5)
    # Nothing adversarial before there is a discriminator that has learned.
    assert whole["paper_sum"] == whole["score"] and "adversarial" not in whole
    learners["discriminator_alone"].steps = 1
    judged = figures(scans)
    assert judged["score"] == whole["score"]
    assert judged["paper_sum"] == pytest.approx(judged["score"] + 0.02 * judged["adversarial"], rel=1e-5)


def test_averaged_weights_are_what_is_validated(cohort: tuple[Path, Path], settings: recipe.Autoencoder) -> None:
    fabric, read = fabric_for("cpu", "32-true"), read_cohort(cohort[0])
    scans = read_scans(read, cohort[1], "val")
    averaged = settings.model_copy(update={"ema_decay": 0.9})
    networks = build_networks(averaged, scans, read.grid, fabric, seed=3)
    objective = objective_of(averaged, read.grid, fabric.device)
    validate = validation_of(
        networks, learners_of(networks, scans, objective, averaged, seed=3), scans, objective, fabric, seed=3
    )
    before = validate()
    with torch.no_grad():
        for parameter in networks.bare.parameters():
            parameter.add_(1.0)
    assert validate() == before
    assert networks.result is not networks.bare
