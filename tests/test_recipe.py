"""Recipes: the paper's numbers, strict keys, bounds, overrides."""

from pathlib import Path

import pytest

from tlesynth import recipe
from tlesynth.errors import TlesynthError


def code_of(*overrides: str, name: str | Path = "tiny") -> str:
    with pytest.raises(TlesynthError) as caught:
        recipe.load(name, overrides)
    return caught.value.code


def test_the_paper_recipe_holds_the_papers_numbers() -> None:
    paper = recipe.load("paper")
    vae, dit = paper.autoencoder, paper.diffusion
    assert (vae.l1, vae.perceptual_weight, vae.kl, vae.adversarial) == (1.0, 0.6, 1e-6, 0.02)
    assert vae.perceptual == "lpips-alex" and vae.network.latent_channels == 4
    first, second = vae.reconstruction, vae.adversarial_phase
    assert (first.epochs, first.steps, first.learning_rate, first.batch_size) == (100, 0, 1e-3, 2)
    assert (second.rounds, second.discriminator_epochs, second.stop_below) == (65, 2, 0.1)
    assert (dit.network.depth, dit.network.width, dit.network.heads, dit.network.patch) == (12, 384, 6, (4, 2, 4))
    assert (dit.noise.timesteps, dit.noise.beta_start, dit.noise.beta_end) == (1000, 1e-4, 2e-2)
    assert (dit.noise.schedule, dit.noise.prediction) == ("linear", "epsilon")
    assert (dit.epochs, dit.batch_size, dit.learning_rate) == (10_000, 16, 1e-4)
    assert (paper.classifier.epochs, paper.classifier.batch_size, paper.classifier.learning_rate) == (100, 128, 1e-3)
    assert paper.preprocess.grid == "mni-1.5mm"
    assert (paper.split.gen_train, paper.split.val, paper.split.test) == (0.8, 0.074, 0.126)


def test_the_defaults_are_the_papers() -> None:
    left_out = {"name", "about", "precision"}
    assert recipe.load("paper").model_dump(exclude=left_out) == recipe.Recipe().model_dump(exclude=left_out)


def test_every_shipped_recipe_is_named_and_loads() -> None:
    assert sorted(recipe.SHIPPED) == sorted(f.stem for f in recipe.RECIPES.glob("*.yaml"))
    assert [recipe.load(name).name for name in recipe.SHIPPED] == list(recipe.SHIPPED)


def test_fine_is_recommended_with_smaller_tokens() -> None:
    fine, recommended = recipe.load("fine"), recipe.load("recommended")
    network = recommended.diffusion.network.model_copy(update={"patch": (2, 2, 2)})
    diffusion = recommended.diffusion.model_copy(update={"network": network, "batch_size": 8})
    changed = {"name": "fine", "about": fine.about, "diffusion": diffusion}
    assert fine == recommended.model_copy(update=changed)


def test_an_own_recipe_starts_from_a_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("base: tiny\nname: own\nautoencoder: {reconstruction: {steps: 3}}\nsplit: {stratify: [group]}\n")
    mine, tiny = recipe.load(own, ["seed=5"]), recipe.load("tiny")
    assert (mine.name, mine.seed, mine.autoencoder.reconstruction.steps) == ("own", 5, 3)
    assert mine.autoencoder.reconstruction.batch_size == tiny.autoencoder.reconstruction.batch_size
    assert mine.split.stratify == ("group",) and mine.diffusion == tiny.diffusion


def test_a_base_that_is_not_shipped_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("base: ../secret\n")
    assert code_of(name=own) == "CFG-002"


@pytest.mark.parametrize("name", recipe.SHIPPED)
def test_a_resolved_recipe_reads_back_as_itself(name: str, tmp_path: Path) -> None:
    loaded = recipe.load(name)
    (tmp_path / "r.yaml").write_text(recipe.dump(loaded))
    assert recipe.load(tmp_path / "r.yaml") == loaded


@pytest.mark.parametrize(
    ("override", "code", "word"),
    [
        ("diffusion.learning_rte=1", "CFG-001", "did you mean learning_rate"),
        ("difusion.steps=1", "CFG-001", "did you mean diffusion"),
        ("diffusion.learning_rate=-1", "CFG-002", "diffusion.learning_rate"),
        ("diffusion.learning_rate=nan", "CFG-002", "diffusion.learning_rate"),
        ("diffusion.noise.beta_start=0.5", "CFG-002", "beta_start 0.5 must be below beta_end"),
        ("diffusion.network.heads=5", "CFG-002", "must divide width"),
        ("diffusion.network.baseline=voxelwise", "CFG-002", "needs noise.prediction v_prediction"),
        ("diffusion.network.baseline=textured", "CFG-002", "needs noise.process flow"),
        ("split.val=0.9", "CFG-002", "not 1"),
        ("split.val=0.0", "CFG-002", "split"),
        ("seed=-1", "CFG-002", "seed"),
        ("autoencoder.network.norm_groups=3", "CFG-002", "must divide"),
        ("autoencoder.crop=[30, 32, 32]", "CFG-002", "multiple of 4"),
        ("autoencoder.crop=[4, 32, 32]", "CFG-002", "need 7 voxels a side"),
        ("autoencoder.weight_decay=0.1", "CFG-002", "needs optimizer adamw"),
        ("autoencoder.reconstruction.warmup_steps=9", "CFG-002", "needs decay cosine"),
        ("autoencoder.adversarial_phase={schedule: joint, rounds: 2}", "CFG-002", "joint is one round"),
        ("autoencoder.adversarial_phase={discriminator_epochs: 0}", "CFG-002", "alternating needs"),
        ("steps", "CFG-002", "section.key=value"),
        ("seed.x=3", "CFG-001", "not a section"),
    ],
)
def test_a_fault_is_named(override: str, code: str, word: str) -> None:
    with pytest.raises(TlesynthError, match=word.replace(".", r"\.")) as caught:
        recipe.load("tiny", [override])
    assert caught.value.code == code and caught.value.exit_status == 2


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(TlesynthError, match=r"seed.*sample\.steps|sample\.steps.*seed"):
        recipe.load("tiny", ["seed=-1", "sample.steps=0"])


@pytest.mark.parametrize(
    "text", ["- a\n", "a: [", "!!python/object:os.system {}", "a: &x 1\nb: *x\n", "\xff\xfe", "x" * 2_000_000]
)
def test_what_is_not_a_plain_recipe_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(text, encoding="latin-1")
    assert code_of(name=tmp_path / "r.yaml") in ("CFG-004", "CFG-001")


def test_an_unknown_recipe_name_is_refused() -> None:
    assert code_of(name="papre") == "CFG-004"


def test_an_override_changes_one_value() -> None:
    loaded = recipe.load("tiny", ["sample.guidance=2.5", "diffusion.network.depth=3"])
    assert (loaded.sample.guidance, loaded.diffusion.network.depth) == (2.5, 3)
    assert loaded.diffusion.network.width == recipe.load("tiny").diffusion.network.width


@pytest.mark.parametrize("name", ["row", "split", "participant_id"])
def test_a_condition_by_the_name_of_an_index_column_is_refused(name: str) -> None:
    with pytest.raises(TlesynthError, match=rf"CFG-002.*conditions\.{name}.*rename the column") as caught:
        recipe.load("tiny", [f"diffusion.conditions.{name}={{quantity: true}}"])
    assert caught.value.exit_status == 2


def test_the_gate_is_switched_off_by_a_bare_off(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("base: demo\nprivacy:\n  gate: off\n", encoding="utf-8")
    assert recipe.load(str(tmp_path / "own.yaml")).privacy.gate == "off"
    assert recipe.load("demo", ["privacy.gate=off"]).privacy.gate == "off"
    with pytest.raises(TlesynthError, match=r"privacy\.gate"):
        recipe.load("demo", ["privacy.gate=on"])
