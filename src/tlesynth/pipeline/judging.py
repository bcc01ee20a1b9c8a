"""What a run's synthetic cohort is worth: measured once, judged as often as the limits change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tlesynth import durable
from tlesynth.errors import fail
from tlesynth.recipe import Recipe

RESULTS = "evaluation/results.json"
STUDY = "augmentation"
COUNTS = "tle"
"""The task of a study that says whether synthetic scans are useful."""
PLANNED = ("/inputs/cohorts/synthetic",)
"""What is read of the study's plan."""
LIMITS = ("evaluation.", "privacy.most_copies")
"""How settings begin that judging anew applies; of ``evaluation`` the verdict's alone, as ``require_measured`` asks."""


def evaluate(out: Path, recipe: Recipe, *, data: str, truth: Path | None) -> dict[str, Any]:
    """Measure the run ``out`` and judge it, with its augmentation study if there is one; returns the results.

    ``data`` says what its real cohort is (simulated, planted, real); ``truth`` is a simulation's truth.tsv.
    """
    from tlesynth.evaluation.evaluate import evaluate as measure
    from tlesynth.evaluation.privacy import ModelFolders

    models = ModelFolders(
        out / "autoencoder" / "model", out / "diffusion" / "model", out / "latents", recipe.device, recipe.inference
    )
    results = measure(
        out / "derivatives",
        out / "reconstructions",
        out / "synthetic",
        out / "splits.tsv",
        out / "classifier",
        out / "evaluation",
        recipe.evaluation,
        seed=recipe.seed,
        about={"recipe": recipe.name, "seed": recipe.seed, "data": data},
        truth=truth,
        models=models,
        privacy=recipe.privacy,
    )
    return judge(out, recipe) if study_of(out) else results


def judge(out: Path, recipe: Recipe) -> dict[str, Any]:
    """Hold the figures that are there against the recipe's limits, and measure nothing; returns the results."""
    from tlesynth.evaluation.verdict import judge as lights

    return lights(out / "evaluation", recipe.evaluation, recipe.privacy, study_of(out))


def judge_anew(out: Path, recipe: Recipe, own: Recipe) -> dict[str, Any]:
    """``judge`` by the limits of ``recipe``, which a user changed from the run's ``own``.

    Raises:
        TlesynthError: CFG-002 if a change is of what decides the figures themselves, or of another stage; DATA-001 and
            DATA-011 if there are no results that can be read.
    """
    from tlesynth.evaluation.verdict.judging import require_measured

    if beyond := [name for name in _changed(recipe.model_dump(), own.model_dump()) if not name.startswith(LIMITS)]:
        why = f"--judge-only changes limits alone (evaluation.verdict, privacy.most_copies), not {', '.join(beyond)}"
        raise fail("CFG-002", out / "recipe.yaml", why)
    require_measured(out / "evaluation", recipe.evaluation, own.evaluation)
    return judge(out, recipe)


def _changed(asked: Mapping[str, Any], own: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The dotted names of settings in which two recipes differ."""
    for name, value in asked.items():
        if isinstance(value, Mapping) and isinstance(own.get(name), Mapping):
            yield from _changed(value, own[name], f"{above}{name}.")
        elif value != own.get(name):
            yield f"{above}{name}"


def study_of(out: Path) -> dict[str, Any] | None:
    """The ledger of the run's augmentation study, or why it does not count; None where none was finished.

    Raises:
        TlesynthError: DATA-001 if the ledger or the plan is damaged.
    """
    from tlesynth.evaluation.verdict.study import LEDGER, lacking, places

    if not (out / LEDGER).is_file():
        return None
    plan, ledger = (durable.read_json(out / name, "DATA-001") for name in (f"{STUDY}/plan.json", LEDGER))
    for name, found, needed in ((f"{STUDY}/plan.json", plan, PLANNED), (LEDGER, ledger, places(ledger))):
        if missing := lacking(found, needed):
            raise fail("DATA-001", out / name, f"it has no {missing}")
    if (task := ledger["about"]["task"]) != COUNTS:
        why = f"the study in {STUDY}/ is of another task ({task}), and says nothing of TLE against controls"
        return {"not_computed": why, "command": "tlesynth augment-study"}
    if plan["inputs"]["cohorts"]["synthetic"] == _made(out):
        return ledger
    why = f"the study in {STUDY}/ was made with other synthetic scans: remove it, make it anew"
    return {"not_computed": why, "command": "tlesynth augment-study"}


def verdict_of(out: Path) -> dict[str, Any]:
    """The lights of a run that was judged."""
    return durable.read_json(out / RESULTS, "DATA-001")["verdict"]


def _made(out: Path) -> str:
    """What tells the run's synthetic scans from others; nothing where there are none."""
    from tlesynth.data.cohort import read_cohort
    from tlesynth.data.volume_cache import key_of

    folder = out / "synthetic"
    return key_of(read_cohort(folder)) if (folder / "participants.tsv").is_file() else ""


def measured(out: Path) -> bool:
    """Whether the run's results are there: inside a pipeline those of other inputs or settings were removed."""
    return (out / RESULTS).is_file()
