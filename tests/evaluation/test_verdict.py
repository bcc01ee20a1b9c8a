"""Lights of cohorts whose worth is known: good, collapsed, blended, overdrawn, copied, and of three subjects."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tlesynth import durable
from tlesynth.errors import TlesynthError
from tlesynth.evaluation.disease import conditioning, distributions, effect_sizes
from tlesynth.evaluation.verdict import judge, rule, verdict
from tlesynth.evaluation.verdict.figure import found_at, minus, times
from tlesynth.evaluation.verdict.formulas import FORMULAS
from tlesynth.evaluation.verdict.topics import QUESTIONS, TOPICS
from tlesynth.metrics.frechet import against_floor
from tlesynth.metrics.manifold import overlap_against_real
from tlesynth.metrics.statistics import Json, Resampling
from tlesynth.recipe import Evaluation, Privacy, Verdict

from .test_disease import both


def how() -> Resampling:
    return Resampling(100, 0.95, np.random.default_rng(0))


def interval(value: float, half: float, n: int = 200) -> Json:
    return {"value": value, "low": value - half, "high": value + half, "n": n}


def disease_of(loss: str, n: int, made: int | None = None) -> Json:
    """The section ``disease`` of a real cohort with one-sided loss and a synthetic one with ``loss``, measured."""
    table = both(loss, n, made)
    return {
        "effects": effect_sizes.effect_sizes(table, 0.3, how()),
        "asymmetry_tails": distributions.asymmetry_tails(table, how()),
        "distributions": distributions.distributions(table, how()),
        "conditioning": conditioning.conditioning(table, None, how()),
    }


def generation_of(spread: float, n: int) -> Json:
    """The section ``generation`` of synthetic features that vary ``spread`` times as much as real ones, measured."""
    rng = np.random.default_rng(4)
    made, trained, held_out = rng.normal(size=(3, n, 8)) * np.array([spread, 1, 1])[:, None, None]
    distance = against_floor(made, trained, held_out, how())
    overlap = overlap_against_real(made, trained, held_out, how())
    both_groups = {"frechet": distance, "overlap": overlap}
    return {"internal": {k: {"hc": v, "tle": v} for k, v in both_groups.items()}}


@pytest.fixture(scope="module")
def good() -> Json:
    """Results of a cohort that nothing can be held against."""
    close, test = interval(0.0, 0.01), {"n": 400, "hc": 200, "tle": 200}
    alike = {"real": interval(0.8, 0.01), "synthetic": interval(0.8, 0.01), "difference": close}
    secret = {"auc": interval(0.5, 0.05), "trained": 200, "held_out": 200, "tpr_at_1_percent": interval(0.01, 0.01)}
    near = {"share": interval(0.5, 0.04), "compared_with": 200}
    disease = disease_of("one-sided", 200)
    # The effect of a quarter lost in these phantoms is so large that 200 of them leave it open by more than the margin.
    disease["effects"]["tle"]["hippocampus_asymmetry_abs"]["difference"] = interval(0.02, 0.1)
    return {
        "reconstruction": {"hippocampus_bias": {"mean": interval(0.3, 0.5)}},
        "generation": generation_of(1.0, 400),
        "diversity": {"hc": alike, "tle": alike},
        "disease": disease,
        "classification": {
            "test": test,
            "arms": {"real": {"auc_roc": interval(0.9, 0.03)}},
            "synthetic_by_real": {"auc_roc": interval(0.9, 0.02), "hc": 200, "tle": 200},
            "against_real": {"real+0.25": {"auc_difference": interval(0.03, 0.02)}},
        },
        "privacy": {
            "copies": {
                "gate": "passed",
                "share": interval(0.01, 0.01),
                "false_alarms": interval(0.01, 0.01),
                "planted_recall": {kind: interval(0.99, 0.01) for kind in ("exact", "noised", "flipped")},
            },
            "nearest": dict.fromkeys(("voxel", "latent", "embedding"), near),
            "membership": {"denoiser": secret, "autoencoder": secret},
        },
    }


def study(gain: float, half: float = 0.01, rival: float = 0.85, sites: tuple[float, ...] = (0.01, 0.0)) -> Json:
    """An augmentation study's ledger: the gain over its rival, the rival's own AUC, the gain at each site."""
    part = {
        "rival": "classical",
        "arms": {"classical": {"figures": {"auc_roc": interval(rival, 0.03)}}},
        "against_rival": {"chosen": {"auc_roc": interval(gain, half)}},
        "sites": {
            "rows": [
                {"site": f"site{k}", "positive": 20, "negative": 20, "difference": interval(value, 0.02, 40)}
                for k, value in enumerate(sites)
            ],
            "mean": {"difference": interval(float(np.mean(sites)), 0.02)},
        },
    }
    about = {"seeds": 5, "splits": 5, "judged": {"positive": 100, "negative": 100}}
    return {"about": about, "primary": {"network": "cnn3d", "rival": "classical"}, "networks": {"cnn3d": part}}


def lights(results: Json, *, ledger: Json | None = None, **limits: Any) -> Json:
    return verdict(results, Evaluation(verdict=Verdict(**limits)), Privacy(), ledger)["lights"]


def changed(results: Json, path: str, value: Any) -> Json:
    """A copy of ``results`` with another value at ``path``."""
    found = copy.deepcopy(results)
    *above, last = path.split("/")
    inner = found
    for key in above:
        inner = inner[key]
    inner[last] = value
    return found


def test_a_cohort_that_nothing_can_be_held_against_is_green(good: Json) -> None:
    found = verdict(good, Evaluation(), Privacy(), study(0.03))
    assert {name: light["light"] for name, light in found["lights"].items()} == dict.fromkeys(TOPICS, "green")
    assert all(asked["light"] == "green" for asked in found["questions"].values())
    assert found["counts"] == {"green": 14, "amber": 0, "red": 0, "grey": 0}
    assert sorted(n for asked in found["questions"].values() for n in asked["lights"]) == sorted(TOPICS)


def test_every_figure_tells_its_number_its_limits_and_where_it_stands(good: Json) -> None:
    for light in lights(good).values():
        assert light["sentence"].endswith(".") and light["figures"][light["shown"]]["light"] == light["light"]
        for figure in light["figures"]:
            if "said" in figure or "not_computed" in figure:
                continue
            assert figure["low"] <= figure["value"] <= figure["high"] and figure["n"] >= 10 and figure["limits"]
            source = found_at(good, figure["source"])
            assert source["n"], figure["source"]
            if "floor" in figure:
                assert found_at(good, figure["floor_source"])["value"] == figure["floor"]["value"]


def test_a_collapsed_set_repeats_itself_and_misses_people(good: Json) -> None:
    alike = {"real": interval(0.8, 0.01), "synthetic": interval(0.98, 0.01), "difference": interval(0.18, 0.01)}
    found = good | {"generation": generation_of(0.05, 200), "diversity": {"hc": alike, "tle": alike}}
    table = both("one-sided", 200)
    made = table["cohort"] == "synthetic"
    for column in ("hippocampus_left", "hippocampus_right", "hippocampus_total"):
        table.loc[made, column] = 4000 + 0.05 * (table.loc[made, column] - 4000)
    narrow = distributions.distributions(table, how())
    found = lights(found | {"disease": good["disease"] | {"distributions": narrow}})
    assert [found[n]["light"] for n in ("coverage", "diversity", "spread")] == ["red"] * 3
    assert "repeats itself" in found["diversity"]["sentence"] and "average person" in found["spread"]["sentence"]


def test_a_bilateral_mild_cohort_is_red_for_its_sides_alone(good: Json) -> None:
    found = lights(good | {"disease": disease_of("bilateral", 60)})
    assert found["one_sided"]["light"] == found["effects"]["light"] == found["conditioning"]["light"] == "red"
    assert "both sides" in found["one_sided"]["sentence"] and "weaker" in found["effects"]["sentence"]
    assert "do not trust the side" in found["conditioning"]["sentence"]
    assert found["fidelity"]["light"] == found["classifier"]["light"] == "green"


def test_an_overdrawn_disease_is_a_caricature(good: Json) -> None:
    found = changed(good, "classification/synthetic_by_real/auc_roc", interval(0.99, 0.005))
    found = lights(found | {"disease": disease_of("overdrawn", 60)}, classifier_auc=0.04)
    assert found["effects"]["light"] == "red" and "stronger" in found["effects"]["sentence"]
    assert found["classifier"]["light"] == "red" and "caricature" in found["classifier"]["sentence"]


def test_three_subjects_give_grey_and_no_nonsense(good: Json) -> None:
    alike = {k: v | {"n": 3} for k, v in good["diversity"]["hc"].items()}
    few = good | {"disease": disease_of("one-sided", 20, made=3), "generation": generation_of(1.0, 3)}
    few["diversity"] = {"hc": alike, "tle": alike}
    found = lights(few)
    for name in ("fidelity", "coverage", "diversity", "spread", "effects", "one_sided", "conditioning"):
        assert found[name]["light"] == "grey", name
        assert found[name]["sentence"].startswith("Not known: ") and "3 " in found[name]["sentence"], name


def test_an_empty_evaluation_is_grey_and_says_what_would_change_it() -> None:
    missing = {"not_computed": "there is no synthetic cohort", "command": "tlesynth sample"}
    found = verdict({"generation": missing}, Evaluation(), Privacy())
    assert found["counts"]["grey"] == 14 and found["sentence"] == "Of 14 lights: 14 not computed."
    assert found["lights"]["coverage"]["figures"][0]["command"] == "tlesynth sample"
    assert "there is no synthetic cohort" in found["lights"]["coverage"]["sentence"]


@pytest.mark.parametrize(
    ("path", "value", "light", "colour"),
    [
        ("reconstruction/hippocampus_bias/mean", interval(-20, 3), "reconstruction", "red"),
        ("privacy/copies/planted_recall/exact", interval(0.2, 0.1), "audit", "red"),
        ("privacy/copies/planted_recall/flipped", interval(0.2, 0.1), "audit", "red"),
        ("privacy/copies/planted_recall/flipped", interval(0.8, 0.1), "audit", "green"),
        ("privacy/copies/gate", "refused, accepted by the recipe", "copies", "red"),
        ("privacy/copies/gate", "not checked: privacy.gate is off in the recipe", "copies", "amber"),
        ("privacy/copies/share", interval(0.3, 0.1), "copies", "red"),
        ("privacy/nearest/latent/share", interval(0.9, 0.05), "copies", "red"),
        ("privacy/membership/denoiser/auc", interval(0.72, 0.1), "membership", "red"),
        ("privacy/membership/autoencoder/auc", interval(0.6, 0.1), "membership", "amber"),
        ("privacy/membership/denoiser/tpr_at_1_percent", interval(0.2, 0.1), "membership", "red"),
        ("privacy/membership/denoiser/tpr_at_1_percent", {"not_computed": "few"}, "membership", "green"),
        ("classification/against_real/real+0.25/auc_difference", interval(0.02, 0.02), "usefulness", "amber"),
        ("classification/against_real/real+0.25/auc_difference", interval(-0.05, 0.02), "usefulness", "red"),
        ("classification/synthetic_by_real/auc_roc", interval(0.6, 0.02), "classifier", "red"),
    ],
)
def test_what_turns_a_light(good: Json, path: str, value: Any, light: str, colour: str) -> None:
    assert lights(changed(good, path, value))[light]["light"] == colour


def test_the_augmentation_study_outweighs_the_one_training_of_evaluate(good: Json) -> None:
    found = lights(good, ledger=study(-0.04))["usefulness"]
    assert found["light"] == "red" and found["sentence"].startswith("In the augmentation study, adding synthetic")
    figure = found["figures"][found["shown"]]
    assert figure["source"] == "augmentation/ledger.json#/networks/cnn3d/against_rival/chosen/auc_roc"
    assert "against classical augmentation (augmentation study, 5 seeds, 5 splits)" in figure["what"]
    assert figure["value"] == -0.04 and figure["floor"]["value"] == 0.85 and len(found["figures"]) == 1
    assert lights(good, ledger=study(0.03, 0.05))["usefulness"]["light"] == "amber"
    alone = lights(good)["usefulness"]
    assert alone["light"] == "green" and "one training each" in alone["sentence"]
    assert alone["figures"][0]["source"].startswith("/classification/against_real")


def test_what_helps_a_classifier_that_guesses_is_not_known(good: Json) -> None:
    found = lights(good, ledger=study(0.03, 0.05, rival=0.52))["usefulness"]
    assert found["light"] == "grey" and "not clearly above chance" in found["sentence"]
    assert lights(good, ledger=study(0.03, 0.01, rival=0.52))["usefulness"]["light"] == "green"


def test_one_site_that_is_harmed_turns_the_answer_red(good: Json) -> None:
    harmed = verdict(good, Evaluation(), Privacy(), study(0.03, sites=(0.02, -0.1)))
    assert harmed["lights"]["unseen_sites"]["light"] == "red" == harmed["questions"]["useful"]["light"]
    assert harmed["lights"]["unseen_sites"]["figures"][2]["source"].endswith("/sites/rows/1/difference")
    without = study(0.03)
    without["networks"]["cnn3d"]["sites"] = {"not_computed": "no site was held out", "command": "x"}
    found = verdict(good, Evaluation(), Privacy(), without)
    assert found["lights"]["unseen_sites"]["sentence"] == "Not known: no site was held out."
    assert found["questions"]["useful"]["light"] == "green", "a gain that was shown is one, with a single site too"


def test_a_study_that_does_not_count_says_why(good: Json) -> None:
    stale = {"not_computed": "the study was made with other synthetic scans", "command": "x"}
    found = lights(good, ledger=stale)
    assert found["unseen_sites"]["sentence"] == "Not known: the study was made with other synthetic scans."
    assert found["usefulness"]["figures"][0]["source"].startswith("/classification")
    assert lights(good)["unseen_sites"]["figures"][0]["command"] == "tlesynth augment-study"


def test_the_limits_are_the_recipes(good: Json) -> None:
    assert lights(good, similarity=0.005)["diversity"]["light"] == "amber"
    assert lights(good, least_scans=1000)["membership"]["light"] == "grey"
    assert lights(good, mixture="real+0.5")["usefulness"]["light"] == "grey"
    found = verdict(good, Evaluation(equivalence_margin=0.01), Privacy(most_copies=0.001))
    assert found["lights"]["effects"]["light"] == "amber"
    assert found["lights"]["copies"]["light"] == "amber"
    assert found["limits"]["equivalence_margin"] == 0.01 and found["limits"]["most_copies"] == 0.001


def test_a_mixture_that_was_not_trained_is_named(good: Json) -> None:
    shown = lights(good, mixture="real+0.5")["usefulness"]
    assert shown["sentence"] == "Not known: no classifier of real+0.5 was judged."
    assert shown["figures"][0]["command"] == "tlesynth train classifier"


def test_what_is_no_interval_is_grey_and_no_crash(good: Json) -> None:
    for held in ([], "a word", 3, {"value": "0.1", "low": 0, "high": 1, "n": 9}, {"value": None}):
        light = lights(changed(good, "reconstruction/hippocampus_bias/mean", held))["reconstruction"]
        assert light["light"] == "grey" and "no interval" in light["sentence"]


def test_the_light_on_effects_says_where_it_parts_from_the_table(good: Json) -> None:
    """TOST at 5 % looks at the 90 % interval: a difference whose 95 % interval alone leaves the margin is both."""
    effect = good["disease"]["effects"]["tle"]["hippocampus_asymmetry_abs"]
    known = effect | {"difference": interval(0.1, 0.21), "p": 0.04, "verdict": "equivalent"}
    light = lights(changed(good, "disease/effects/tle/hippocampus_asymmetry_abs", known))["effects"]
    assert light["light"] == "amber" and "amber may stand beside equivalent" in light["formula"]


def test_an_interval_decides_and_its_middle_does_not() -> None:
    limits = rule.within(0.3, 0.5)
    known = {0.1: "green", 0.2: "amber", 0.4: "amber", 0.55: "amber", 0.7: "red", -0.7: "red"}
    assert {v: rule.colour_of(interval(v, 0.15), limits) for v in known} == known
    assert rule.colour_of(interval(0.02, 0.02), rule.at_least(0.0)) == "amber", "touching is not beyond"
    assert rule.colour_of(interval(0.9, 0.05), rule.at_most(0.6)) == "red"


@pytest.mark.parametrize(
    ("colours", "beside", "one"),
    [
        (["green", "green"], [], "green"),
        (["green", "grey"], [], "amber"),
        (["grey", "grey"], ["green"], "grey"),
        (["green"], ["amber", "grey"], "green"),
        (["grey"], ["red"], "red"),
        (["amber", "red"], [], "red"),
        ([], [], "grey"),
    ],
)
def test_colours_together(colours: list[str], beside: list[str], one: str) -> None:
    assert rule.together(colours, beside) == one


def test_differences_and_ratios_of_intervals_are_those_known() -> None:
    # Newcombe 1998, table II (a), method 10: 56/70 against 48/80 gives 0.20 [0.0524, 0.3339] from Wilson's limits.
    first = {"value": 0.8, "low": 0.6918, "high": 0.8769, "n": 70}
    second = {"value": 0.6, "low": 0.4904, "high": 0.7004, "n": 80}
    found = minus(first, second)
    assert [found[k] for k in ("value", "low", "high")] == pytest.approx([0.2, 0.0524, 0.3339], abs=2e-3)
    assert found["n"] == 150
    assert times(interval(6, 2), interval(2, 1))["high"] == 4
    assert "not_computed" in times(interval(6, 2), interval(0, 1))


def test_every_question_has_lights_and_every_red_light_words() -> None:
    assert {topic.question for topic in TOPICS.values()} == set(QUESTIONS) and set(FORMULAS) == set(TOPICS)
    assert all(topic.green and topic.amber and (topic.low or topic.high) for topic in TOPICS.values())


def test_results_are_judged_anew_without_being_measured(good: Json, tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="DATA-011"):
        judge(tmp_path, Evaluation(), Privacy())
    durable.write_json(tmp_path / "results.json", good)
    judge(tmp_path, Evaluation(verdict=Verdict(similarity=0.005)), Privacy())
    found = durable.read_json(tmp_path / "results.json")
    assert found["verdict"]["lights"]["diversity"]["light"] == "amber" and found["diversity"] == good["diversity"]
    table = durable.read_table(tmp_path / "verdict.tsv")
    row = table[table["figure"] == "likeness of pairs of controls (MS-SSIM), synthetic minus real"].iloc[0]
    assert (row["question"], row["light_colour"], row["limit_high"]) == ("diverse", "amber", "0.005")
    assert row["source"] == "/diversity/hc/difference" and float(row["floor"]) == 0.8


def test_of_open_figures_the_one_whose_best_guess_is_not_good_is_shown(good: Json) -> None:
    side = {"synthetic": {"auc": interval(0.74, 0.15)}, "real": {"auc": interval(0.95, 0.02)}}
    light = lights(changed(good, "disease/conditioning/side", side))["conditioning"]
    assert [figure["light"] for figure in light["figures"]] == ["amber", "amber"]
    assert light["shown"] == 1 and light["figures"][1]["value"] == pytest.approx(-0.21)
    assert "The best guess is not good" in light["sentence"]
