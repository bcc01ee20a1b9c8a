"""The cohort's design is balanced and every draw is keyed by its subject."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tlesynth.data.simulate import subjects
from tlesynth.recipe import Simulate

SETTINGS = Simulate(n_hc=60, n_tle=60, sites=4)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return pd.DataFrame([vars(a) for a in subjects.design(SETTINGS, 7)])


def test_site_age_and_sex_say_nothing_about_the_group(people: pd.DataFrame) -> None:
    hc, tle = (people[people.group == group] for group in ("hc", "tle"))
    assert hc.site.value_counts().to_dict() == tle.site.value_counts().to_dict()
    assert hc.sex.value_counts().to_dict() == tle.sex.value_counts().to_dict()
    assert hc.age.mean() == pytest.approx(tle.age.mean(), abs=0.5)
    assert people.age.between(18, 65).all()


def test_shares_are_exact(people: pd.DataFrame) -> None:
    tle = people[people.group == "tle"]
    assert len(people) == 120 and people.participant_id.is_unique
    assert (tle.side == "left").sum() == 33
    assert (tle.hs == "yes").sum() == 30
    assert abs((tle[tle.side == "left"].hs == "yes").mean() - 0.5) < 0.05
    assert people[people.group == "hc"][["side", "hs"]].isna().all().all()


def test_the_design_is_its_seed_s() -> None:
    assert subjects.design(SETTINGS, 7) == subjects.design(SETTINGS, 7)
    assert subjects.design(SETTINGS, 7) != subjects.design(SETTINGS, 8)


def test_quotas_add_up_and_fall() -> None:
    quotas = subjects.quotas(100, 7)
    assert quotas.sum() == 100 and (np.diff(quotas) <= 0).all() and quotas[-1] > 0


def draws(count: int, group: str, hs: str | None, **settings: float) -> pd.DataFrame:
    chosen = SETTINGS.model_copy(update=settings)
    who = [subjects.Assignment(f"sub-{i}", group, "right" if hs else None, hs, 34.0, "F", 0) for i in range(count)]
    return pd.DataFrame([subjects.draw(a, chosen, 1).flat() for a in who])


def test_severity_follows_the_recipe() -> None:
    yes, no = draws(400, "tle", "yes"), draws(400, "tle", "no")
    assert yes.severity.mean() == pytest.approx(0.21, abs=0.015)
    assert no.severity.mean() == pytest.approx(0.08, abs=0.01)
    assert yes.severity.between(0.02, 0.60).all() and no.severity.between(-0.06, 0.25).all()
    assert 0.2 < np.corrcoef(yes.severity, yes.network)[0, 1] < 0.45
    assert (yes.contra_loss > 0).mean() == pytest.approx(0.10, abs=0.05)


def test_healthy_volumes_vary_as_they_should() -> None:
    healthy = np.log(draws(600, "hc", None).filter(like="ratio_"))
    assert healthy.std()["ratio_hippocampus_ipsi"] == pytest.approx(0.10, abs=0.02)
    assert healthy.corr().loc["ratio_hippocampus_ipsi", "ratio_hippocampus_contra"] == pytest.approx(0.85, abs=0.05)
    assert healthy.corr().loc["ratio_hippocampus_ipsi", "ratio_thalamus_contra"] == pytest.approx(0.5, abs=0.1)


def test_patients_differ_by_enigma_s_effect_sizes() -> None:
    healthy, sick = np.log(draws(600, "hc", None).filter(like="ratio_")), draws(600, "tle", "yes").filter(like="ratio_")
    d = (np.log(sick).mean() - healthy.mean()) / healthy.std()
    assert d["ratio_hippocampus_ipsi"] < -1.7
    assert d["ratio_thalamus_ipsi"] == pytest.approx(-0.8, abs=0.2)
    assert d["ratio_amygdala_contra"] == pytest.approx(0.25, abs=0.15)


@pytest.mark.parametrize("draw", [subjects.draw, subjects.draw_planted])
def test_zero_severity_plants_nothing(draw: object) -> None:
    settings = SETTINGS.model_copy(update={"severity_scale": 0.0})
    patient = subjects.Assignment("sub-1", "tle", "right", "yes", 30.0, "M", 0)
    control = replace(patient, group="hc", side=None, hs=None)
    latents = [draw(a, settings, 5) for a in (patient, control)]
    flat = [{k: v for k, v in made.flat().items() if k not in {"duration"} and not np.isnan(v)} for made in latents]
    assert flat[0] == flat[1]


def test_left_and_right_focus_differ_by_the_normal_asymmetry_only(monkeypatch: pytest.MonkeyPatch) -> None:
    right = subjects.Assignment("sub-1", "tle", "right", "yes", 30.0, "M", 0)
    left = replace(right, side="left")
    ratios = [subjects.draw(a, SETTINGS, 5).ratio["hippocampus_ipsi"] for a in (right, left)]
    assert ratios[0] / ratios[1] == pytest.approx(1.01 / 0.99)
    monkeypatch.setattr(subjects, "RIGHT_OVER_LEFT", 0.0)
    assert subjects.draw(right, SETTINGS, 5) == subjects.draw(left, SETTINGS, 5)


def test_the_sham_has_no_mean_and_no_signal() -> None:
    who = [subjects.Assignment(f"sub-{i}", "hc", None, None, 34.0, "F", 0) for i in range(400)]
    made = [subjects.draw_planted(a, SETTINGS, 1) for a in who]
    ratios = np.log([m.ratio["hippocampus_ipsi"] for m in made])
    assert ratios.mean() == pytest.approx(0, abs=0.003) and ratios.std() == pytest.approx(0.02, rel=0.15)
    assert all(m.network == 0 and not any(m.signal.values()) and not any(m.pole_blur.values()) for m in made)
