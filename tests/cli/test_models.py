"""The verbs of the generator: their examples parse, conditions reach the request, and a wrong one costs one line."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tlesynth import cli, recipe
from tlesynth.autoencoder import encode as encoding
from tlesynth.cli import models as verbs
from tlesynth.diffusion import model
from tlesynth.diffusion import tune as tuning
from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.pipeline import models as pipeline
from tlesynth.recipe import Inference, Sampling, Usage
from tlesynth.synthesis import cohort, counterfactual, film, guard, synthesizer
from tlesynth.synthesis.baselines import building

CONDITIONS = Conditions(
    (
        Condition("group", ("hc", "tle")),
        Condition("side", ("left", "right")),
        Condition("age", low=20.0, high=60.0),
    )
)

Told = tuple[int, str, str]
Run = Callable[[str], Told]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the verbs call, with nothing computed."""
    made: dict[str, Any] = {}
    trained = SimpleNamespace(conditions=CONDITIONS, class_counts={"hc": 3, "tle-left": 2, "tle-right": 1})
    loaded = SimpleNamespace(diffusion=trained, completed=lambda subjects: subjects)
    monkeypatch.setattr(
        synthesizer, "synthesizer_of", lambda *args, **named: made.update(models=args, **named) or loaded
    )
    monkeypatch.setattr(
        cohort,
        "sample_cohort",
        lambda source, subjects, out, guard: made.update(subjects=subjects, out=out, guard=guard),
    )
    monkeypatch.setattr(model, "usage_of", lambda folder: Usage())
    monkeypatch.setattr(guard, "guard_of", lambda derivatives, splits, settings, seed: (derivatives, splits))
    monkeypatch.setattr(film, "film_of", lambda subjects, models, folder: made.update(film=folder))
    monkeypatch.setattr(counterfactual, "counterfactuals", lambda *args: made.update(counterfactuals=args[1:]))
    monkeypatch.setattr(building, "write_baseline", lambda *args: made.update(baseline=args))
    chosen = {"steps": 10, "guidance": 1.0, "table": "tuned.json", "curves": "tuned.webp"}
    monkeypatch.setattr(pipeline, "tune", lambda *args: made.update(tune=args) or chosen)
    return made


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process: status, stdout, stderr."""

    def told(line: str) -> Told:
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return told


def example(verb: Callable[..., None]) -> str:
    return " ".join((verb.__doc__ or "").partition("Example:")[2].split())


SAMPLE = "tlesynth sample --autoencoder a --diffusion d --out o --recipe tiny "


@pytest.mark.parametrize(
    ("verb", "part"),
    [
        (verbs.sample, "subjects"),
        (verbs.tune, "tune"),
        (verbs.baseline, "baseline"),
        (verbs.counterfactual, "counterfactuals"),
    ],
)
def test_the_example_in_the_help_parses(verb: Callable[..., None], part: str, calls: dict[str, Any], run: Run) -> None:
    status, out, err = run(example(verb))
    assert status == 0 and out and not err and part in calls


@pytest.mark.parametrize("verb", ["sample", "tune", "baseline", "counterfactual", "train diffusion"])
def test_the_help_fits_a_hundred_columns(verb: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERMINAL_WIDTH", "100")
    status, out, _ = run(f"tlesynth {verb} --help")
    lines = out.splitlines()
    assert status == 0 and max(map(len, lines)) <= 100
    text = "\n".join(lines[: next(i for i, line in enumerate(lines) if "╭" in line)])
    assert not [line for line in text.splitlines() if 0 < len(line.split()) < 2], "a word alone on its line"


@pytest.mark.parametrize(
    "where",
    [
        "--where group=tle side=left age=35",
        "--where group=tle --where side=left --where age=35",
        "--where 'group=tle side=left' age=35",
    ],
)
def test_conditions_are_words_or_repeated(where: str, calls: dict[str, Any], run: Run) -> None:
    assert run(SAMPLE + "-n 2 " + where)[0] == 0
    assert [dict(s.asked) for s in calls["subjects"]] == [{"group": "tle", "side": "left", "age": "35"}] * 2
    assert "film" not in calls and calls["seed"] == 1


def test_without_a_recipe_the_model_says_how_it_is_sampled(
    calls: dict[str, Any], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Sampling(sampler="dpm++", steps=12, guidance=2.5, guidance_interval=(0.0, 0.8), tuned=True)
    inference = Inference(precision="auto", tile=(16, 16, 16))
    monkeypatch.setattr(model, "usage_of", lambda folder: Usage(sampling=own, inference=inference))
    bare = "tlesynth sample --autoencoder a --diffusion d --out o -n 1"
    assert run(bare)[0] == 0 and calls["models"][2].sampling == own and calls["inference"] == inference
    assert run(f"{bare} --set sample.steps=3")[0] == 0
    said = own.model_copy(update={"steps": 3, "tuned": False})
    assert calls["models"][2].sampling == said, "what the caller says comes before what tune chose"
    assert run(f"{bare} --set sample.steps=3 sample.tuned=true")[0] == 2
    assert run(f"{bare} --set sample.sampler=euler")[0] == 0
    assert calls["models"][2].sampling == own.model_copy(update={"sampler": "euler", "tuned": False})
    assert run(f"{bare} --set sample.steps=3 --set sample.tuned=true")[0] == 0
    assert calls["models"][2].sampling == own.model_copy(update={"steps": 3})
    assert run(f"{bare} --recipe tiny")[0] == 0 and calls["models"][2] == recipe.load("tiny").sample
    monkeypatch.setattr(model, "usage_of", lambda folder: None)
    status, _, told = run(bare)
    assert status == 0 and calls["models"][2].sampling == recipe.load("paper").sample.sampling
    assert "--recipe names another" in told


def test_the_film_lies_beside_the_cohort(calls: dict[str, Any], run: Run) -> None:
    status, out, _ = run(SAMPLE + "--film --seed 7")
    assert status == 0 and calls["film"] == Path("o-film") and "o-film" in out and calls["seed"] == 7


def test_a_film_that_would_replace_something_is_refused_before_sampling(
    calls: dict[str, Any], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "o-film").mkdir()
    (tmp_path / "o-film" / "holiday.mp4").write_text("mine")
    status, out, err = run(SAMPLE + "--film")
    assert status == 2 and out == "" and "CFG-005" in err and "o-film" in err and "holiday.mp4" in err
    assert "subjects" not in calls and "models" not in calls


@pytest.mark.parametrize(("given", "device"), [("", "cpu"), ("--set device=cuda", "cuda"), ("--device auto", "auto")])
def test_encode_runs_on_the_recipes_device_unless_told(
    given: str, device: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(encoding, "encode_cohort", lambda *args, **named: asked.append(named["device"]))
    monkeypatch.setattr(pipeline, "import_autoencoder", lambda *args: asked.append(args[5].device) or {"model": "m"})
    places = "--derivatives d --splits s --recipe tiny "
    assert run("tlesynth encode --autoencoder a --latents l --reconstructions r " + places + given)[0] == 0
    assert run("tlesynth import-weights maisi vae.pt --out o " + places + given)[0] == 0
    assert asked == [device, device]


def test_a_device_of_no_name_is_refused_by_its_name(run: Run) -> None:
    places = "--autoencoder a --derivatives d --splits s --latents l --reconstructions r"
    status, _, err = run(f"tlesynth encode {places} --device gpu")
    assert status == 2 and "CFG-002" in err and "auto, cpu, cuda" in err


def test_the_training_scans_are_named_whole_or_not_at_all(calls: dict[str, Any], run: Run) -> None:
    assert run(SAMPLE)[0] == 0 and calls["guard"] == (None, None)
    assert run(SAMPLE + "--derivatives d --splits s.tsv")[0] == 0 and calls["guard"] == (Path("d"), Path("s.tsv"))
    status, _, err = run(SAMPLE + "--derivatives d")
    assert status == 2 and "--splits" in err


def test_counterfactuals_take_what_is_asked_and_what_is_given(calls: dict[str, Any], run: Run) -> None:
    line = "tlesynth counterfactual c --autoencoder a --diffusion d --out o --subject sub-1 --subject sub-2 "
    assert run(line + "--from age=30 --to 'group=tle side=left'")[0] == 0
    asked, given = {"group": "tle", "side": "left"}, {"age": "30"}
    assert calls["counterfactuals"] == (Path("c"), ["sub-1", "sub-2"], asked, given, Path("o"))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--where sex=F", "sex is no condition of this model: group, side, age"),
        ("--where group=ad", "group is one of hc, tle"),
        ("--where group=tle age=90", "age is from 20 to 60"),
        ("--where group=tle age", "'age' is not NAME=VALUE"),
        ("--where group=tle --unconditional", "take one of --where, --like and --unconditional"),
        ("--like nowhere.tsv", "DATA-011"),
    ],
)
def test_a_wrong_condition_costs_one_line(words: str, reason: str, calls: dict[str, Any], run: Run) -> None:
    status, out, err = run(SAMPLE + words)
    assert status == (3 if "DATA" in reason else 2) and out == ""
    assert reason in err and len(err.splitlines()) == 1 and "subjects" not in calls


def test_tune_is_told_where_things_are(calls: dict[str, Any], run: Run) -> None:
    status, out, _ = run("tlesynth tune --diffusion d --latents l --splits s --recipe tiny --set tune.n=9 --json")
    assert status == 0 and '"steps": 10' in out
    assert calls["tune"][:3] == (Path("d"), Path("l"), Path("s")) and calls["tune"][3].tune.n == 9
    assert tuning.NAME == "tuned.json"
