"""The stages fit together: each needs what an earlier one writes, and each part of the recipe decides some stage."""

import pytest

from tlesynth import recipe
from tlesynth.errors import TlesynthError
from tlesynth.pipeline.stages import STAGES, require_groups


def test_each_stage_needs_only_earlier_ones_and_writes_its_own() -> None:
    seen: set[str] = set()
    written: list[str] = []
    for stage in STAGES:
        assert set(stage.needs) <= seen
        seen.add(stage.name)
        written += stage.writes
    assert len(written) == len(set(written))


def test_what_no_weight_depends_on_costs_no_training() -> None:
    stage = next(stage for stage in STAGES if stage.name == "train autoencoder")
    plain = recipe.load("tiny")
    kept = recipe.load(
        "tiny", ["autoencoder.checkpoints_kept=5", "autoencoder.gate.l1=0.5", "autoencoder.refused_in_all=7"]
    )
    other = recipe.load("tiny", ["autoencoder.kl=1e-5"])
    assert stage.settings(plain) == stage.settings(kept) != stage.settings(other)


def test_how_the_model_is_run_is_judged_anew_and_costs_no_training() -> None:
    stage = next(stage for stage in STAGES if stage.name == "train autoencoder")
    assert stage.judged_by is not None
    plain, half = recipe.load("tiny"), recipe.load("tiny", ["inference.precision=bf16-true"])
    assert stage.settings(plain) == stage.settings(half) and stage.judged_by(plain) != stage.judged_by(half)


def test_every_section_of_the_recipe_decides_a_stage() -> None:
    loaded = recipe.load("tiny")
    used = {type(part) for stage in STAGES for part in stage.settings(loaded)}
    verbs = {recipe.AugmentStudy}  # of a verb that is no stage
    sections = {type(getattr(loaded, name)) for name in type(loaded).model_fields}
    for section in sections - verbs:
        assert not issubclass(section, recipe.Section) or used & set(section.__mro__), section


def test_other_limits_of_the_lights_measure_nothing_anew() -> None:
    stages = {stage.name: stage for stage in STAGES}
    plain, strict = recipe.load("tiny"), recipe.load("tiny", ["evaluation.verdict.coverage=0.9"])
    more = recipe.load("tiny", ["evaluation.bootstrap=200"])
    for name in ("evaluate", "report"):
        judged_by, settings = stages[name].judged_by, stages[name].settings
        assert judged_by is not None and judged_by(plain) != judged_by(strict)
        assert settings(plain) == settings(strict)
    assert stages["evaluate"].settings(plain) != stages["evaluate"].settings(more)


def test_who_did_the_work_and_what_was_thought_of_it_keep_a_subjects_files() -> None:
    stage = next(stage for stage in STAGES if stage.name == "preprocess")
    assert stage.by_subject is not None
    plain = recipe.load("tiny")
    shared = recipe.load("tiny", ["preprocess.jobs=1", "preprocess.sharing.shard=1/4", "preprocess.subject_seconds=9"])
    strict = recipe.load("tiny", ["preprocess.qc.dice.low=0.99"])
    other = recipe.load("tiny", ["preprocess.denoise=nlm"])
    assert stage.settings(plain) == stage.settings(shared)
    assert stage.settings(plain) != stage.settings(strict) and stage.by_subject(plain) == stage.by_subject(strict)
    assert stage.by_subject(plain) != stage.by_subject(other)


def test_a_recipe_that_knows_no_group_cannot_be_compared_and_the_way_out_is_told() -> None:
    require_groups(recipe.load("tiny"))
    loaded = recipe.load("tiny")
    by_age = loaded.diffusion.model_copy(update={"conditions": {"age": recipe.Quantity()}})
    with pytest.raises(TlesynthError, match=r"add 'group: .*or .*'tlesynth sample --n 100'") as caught:
        require_groups(loaded.model_copy(update={"diffusion": by_age}))
    assert caught.value.code == "CFG-011" and caught.value.exit_status == 2
