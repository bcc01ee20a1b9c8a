"""A figure is drawn where there are intervals to draw, and left out where there are none."""

from made_study import made_ledger

from tlesynth.report.ledger_figures import forest, learning_curve


def test_what_has_no_interval_is_not_drawn() -> None:
    part = made_ledger()["networks"]["cnn3d"]
    for told in part["against_rival"].values():
        told["auc_roc"] = {"not_computed": "why"}
    assert forest(part) is None
    part["learning_curve"] = part["learning_curve"][:1]
    assert learning_curve(part) is None
