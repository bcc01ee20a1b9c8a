"""The whole ledger from made-up verdicts: every part is there, and says what was planted."""

import pytest
from made_study import ARMS, made_ledger

from tlesynth.augment_study import ledger
from tlesynth.metrics.statistics import Json


@pytest.fixture(scope="module")
def found() -> Json:
    return made_ledger()


def test_validation_chose_the_good_ratio_and_the_gain_is_told(found: Json) -> None:
    part = found["networks"]["cnn3d"]
    assert set(part["chosen"].values()) == {"real+1"}
    assert found["primary"]["verdict"] == part["verdict"] == "gain"
    assert part["against_rival"]["chosen"]["auc_roc"] == part["against_rival"]["real+1"]["auc_roc"]
    assert part["against_rival"]["real+1"]["holm_p"] >= part["against_rival"]["real+1"]["bootstrap_p"]
    assert "holm_p" not in part["against_rival"]["chosen"], "it was declared, and stands alone"


def test_beside_the_declared_comparison_stands_the_one_with_plain_real_scans_corrected(found: Json) -> None:
    beside = found["networks"]["cnn3d"]["against_real"]["chosen"]
    arms = found["networks"]["cnn3d"]["arms"]
    gap = arms["chosen"]["figures"]["auc_roc"]["value"] - arms["real"]["figures"]["auc_roc"]["value"]
    assert beside["auc_roc"]["value"] == pytest.approx(gap, abs=1e-5)
    assert beside["holm_p"] >= beside["bootstrap_p"]


def test_only_the_first_networks_choice_stands_alone() -> None:
    """Of a second network the chosen ratio is one comparison among many, and its rival here is the plain arm."""
    both = made_ledger(networks=("cnn3d", "volumes"))["networks"]
    assert "holm_p" not in both["cnn3d"]["against_rival"]["chosen"]
    second = both["volumes"]
    assert second["rival"] == "real" and second["against_real"] == {}
    many = {a: t for a, t in second["against_rival"].items() if not a.startswith("real-n")}
    assert set(many) == {"chosen", "real+0.5", "real+1", "shuffled"}
    least = min(told["bootstrap_p"] for told in many.values())
    assert min(told["holm_p"] for told in many.values()) == pytest.approx(4 * least)


def test_the_controls_are_judged(found: Json) -> None:
    told = found["networks"]["cnn3d"]["controls"]
    assert set(told) == {"shuffled"} and told["shuffled"]["reading"] == "as it must"


def test_the_t_over_splits_knows_the_pool(found: Json) -> None:
    """Each split has one validation scan, and as test the scans that any split judged; it judges 80 of them."""
    pool = 1 + found["about"]["test_scans"]
    told = found["networks"]["cnn3d"]["against_rival"]["chosen"]["resampled_t"]
    assert told["shared"] == pytest.approx(80 / pool, 1e-4)


def test_every_figure_of_every_arm_is_an_interval(found: Json) -> None:
    for told in found["networks"]["cnn3d"]["arms"].values():
        for value in told["figures"].values():
            assert value["low"] <= value["value"] <= value["high"]


def test_the_table_has_a_row_for_each_arm_and_figure(found: Json) -> None:
    table = ledger.as_table(found)
    assert len(table) == 12 * (len(ARMS) + 1)
    row = table[(table["arm"] == "real+1") & (table["figure"] == "auc_roc")].iloc[0]
    assert row["difference_low"] > 0 and row["holm_p"] < 0.05


def test_subgroups_and_sites(found: Json) -> None:
    part = found["networks"]["cnn3d"]
    rows = {(row["part"], row["value"]): row for row in part["subgroups"]}
    assert {("side", "left"), ("hs", "no"), ("site", "site1"), ("sex", "F")} <= set(rows)
    assert rows["side", "left"]["negative"] > rows["side", "left"]["positive"], "each side against all controls"
    assert sum(name == "age" for name, _ in rows) == 3
    assert rows["untouched", "by any choice of the generator"]["negative"] <= 60
    assert part["sites"]["rows"][0]["site"] == "Hospital" and not part["sites"]["warning"]
    assert part["sites"]["mean"]["difference"]["value"] > 0


def test_the_learning_curve_prices_the_gain(found: Json) -> None:
    part = found["networks"]["cnn3d"]
    assert [point["scans"] for point in part["learning_curve"]] == [20, 50, 100]
    assert part["exchange"]["real_scans"]["value"] > 100 and part["exchange"]["synthetic_scans"] == 100


def test_class_consistency_says_that_scans_are_few(found: Json) -> None:
    told = found["networks"]["cnn3d"]["consistency"]
    assert told["few"] and told["least"] == 200 and told["reading"] == "alike"
    assert told["positive"] + told["negative"] == told["auc_roc"]["n"]
    assert told["real"]["recall"] == found["networks"]["cnn3d"]["arms"]["real"]["figures"]["recall"]


def test_what_was_not_run_is_said(found: Json) -> None:
    assert found["not_run"] == {"real+2": "too few"}
