import numpy as np
import pandas as pd
import pytest

from tlesynth.report import charts


def test_roc_of_a_known_case() -> None:
    false, true = charts.roc(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1]))
    assert false.tolist() == [0, 0, 0.5, 0.5, 1]
    assert true.tolist() == [0, 0.5, 0.5, 1, 1]


def test_ties_are_one_step_of_the_roc() -> None:
    false, true = charts.roc(np.array([True, False]), np.array([0.5, 0.5]))
    assert false.tolist() == [0, 1] and true.tolist() == [0, 1]


def test_the_area_under_the_drawn_curve_is_the_auc() -> None:
    draw = np.random.default_rng(0)
    positive = draw.random(60) < 0.4
    score = np.round(draw.normal(positive, 1.0), 1)
    false, true = charts.roc(positive, score)
    pairs = score[positive][:, None] - score[~positive][None]
    assert np.trapezoid(true, false) == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def test_receiver_names_its_arms() -> None:
    table = pd.DataFrame(
        {
            "arm": ["real"] * 4 + ["other"] * 4,
            "group": ["hc", "tle"] * 4,
            "probability": ["0.1", "0.9", "0.4", "0.3"] * 2,
        }
    )
    assert "real only, other" in charts.receiver(table).alt


def test_training_draws_what_varies_and_leaves_out_what_does_not_matter() -> None:
    table = pd.DataFrame(
        {
            "step": ["1", "2", "3"],
            "phase": ["a", "a", "b"],
            "loss": ["3", "2", None],
            "learning_rate": ["1", "1", "1"],
            "val_score": [None, "5", "4"],
            "rare": [None, None, "1"],
        }
    )
    pictures = charts.training({"Autoencoder": table})
    assert [p.alt.split(" against")[0] for p in pictures] == ["loss", "score"]
    assert "validation ends at 4" in pictures[1].alt


def test_an_autoencoders_training_and_validation_share_no_axis() -> None:
    table = pd.DataFrame(
        {
            "step": ["1", "2", "3"],
            "phase": ["a"] * 3,
            "loss": ["3", "2", "1"],
            "l1": ["0.3", "0.2", "0.1"],
            "val_score": ["5", "4", "3"],
            "val_l1": ["0.9", "0.8", "0.7"],
        }
    )
    alts = [picture.alt for picture in charts.training_apart(table)]
    assert [alt.split(" against")[0] for alt in alts] == [
        "loss, training batches",
        "score, held-out scans",
        "l1, training batches",
        "l1, held-out scans",
    ]
    assert "training ends at 0.1" in alts[2] and "validation" not in alts[2]
    assert "validation ends at 0.7" in alts[3] and "training ends" not in alts[3]


def test_phases_are_not_joined_and_the_discriminator_is_not_the_autoencoder() -> None:
    table = pd.DataFrame(
        {
            "step": ["1", "2", "3", "4", "5"],
            "phase": ["reconstruction", "reconstruction", "discriminator warm-up", "adversarial", "adversarial"],
            "loss": ["3", "2", "99", "7", "6"],
            "discriminator_accuracy": [None, None, "0.5", None, None],
        }
    )
    steps, values = charts._by_phase(table, "loss")
    np.testing.assert_equal(values, [3, 2, np.nan, 7, 6])
    np.testing.assert_equal(steps, [1, 2, np.nan, 4, 5])
    assert charts._by_phase(table, "discriminator_accuracy")[1].tolist() == [0.5]
    assert len(charts._by_phase(table, "gone")[0]) == 0


def test_distributions_draw_dots_without_intervals_and_intervals_without_dots() -> None:
    spread = charts.Spread(
        "asymmetry",
        {"hc": "controls", "tle": "TLE"},
        {("hc", "real"): np.array([0.1, 0.2])},
        {("tle", "synthetic"): (0.0, -0.1, 0.1)},
    )
    assert charts.distributions(spread, "words").light.startswith("data:image/webp")
