"""What a run's synthetic cohort is worth: measured once, judged as often as the limits change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tlesynth.recipe import Recipe

RESULTS = "evaluation/results.json"


def evaluate(out: Path, recipe: Recipe, *, data: str, truth: Path | None) -> dict[str, Any]:
    """Measure the run ``out`` and judge it; returns the results.

    ``data`` says what its real cohort is (simulated, planted, real); ``truth`` is a simulation's truth.tsv.
    """
    from tlesynth.evaluation.evaluate import evaluate as measure
    from tlesynth.evaluation.privacy import ModelFolders

    models = ModelFolders(out / "autoencoder" / "model", out / "diffusion" / "model", out / "latents", recipe.device)
    return measure(
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


def judge(out: Path, recipe: Recipe) -> dict[str, Any]:
    """Hold the figures that are there against the recipe's limits, and measure nothing; returns the results."""
    from tlesynth.evaluation.verdict import judge as lights

    return lights(out / "evaluation", recipe.evaluation, recipe.privacy)


def measured(out: Path) -> bool:
    """Whether the run's results are there: inside a pipeline those of other inputs or settings were removed."""
    return (out / RESULTS).is_file()
