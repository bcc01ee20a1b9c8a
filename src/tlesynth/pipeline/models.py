"""Training a network and writing the page that shows it: what a verb and a stage of a run both do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tlesynth import durable
from tlesynth.recipe import Recipe


def tune(diffusion: Path, latents: Path, splits: Path, recipe: Recipe) -> dict[str, Any]:
    """Sweep steps and guidance on the validation latents, draw the curves; return what was chosen and where they lie.

    Raises:
        TlesynthError: as ``diffusion.tune.tune`` does.
    """
    from tlesynth.diffusion.tune import tune as sweep
    from tlesynth.report.tuning_figure import write_curves

    sampler = recipe.sample.sampler
    found = sweep(diffusion, latents, splits, recipe.tune, sampler=sampler, seed=recipe.seed, device=recipe.device)
    picture = write_curves(found, diffusion.parent / "tuned.webp")
    best = found["chosen"]
    return {
        "steps": best["steps"],
        "guidance": best["guidance"],
        "table": str(diffusion.parent / "tuned.json"),
        "curves": str(picture),
    }


def train_autoencoder(derivatives: Path, splits: Path, out: Path, recipe: Recipe, *, data: str = "") -> dict[str, Any]:
    """Train the VAE-GAN, judge it, write its page; return where model and page lie and what the gate said.

    ``data`` says what the scans are (simulated, planted or real), for the page. After a training that was finished
    before, only the verdict and the page are made again.

    Raises:
        TlesynthError: as ``autoencoder.train.train_autoencoder`` does.
    """
    from tlesynth.autoencoder.train import train_autoencoder as train
    from tlesynth.report import autoencoder_page, cohort_page

    machine = {"seed": recipe.seed, "device": recipe.device, "precision": recipe.precision}
    train(derivatives, splits, out, recipe.autoencoder, **machine, inference=recipe.inference)
    data = data or cohort_page.data_beside(derivatives)
    page = autoencoder_page.build(out, derivatives, out / autoencoder_page.PAGE, data=data)
    verdict = durable.read_json(out / "gate.json")["verdict"]
    return {"model": str(out / "model"), "quality gate": verdict, "page": str(page)}
