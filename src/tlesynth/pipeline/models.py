"""Training a network and writing the page that shows it: what a verb and a stage of a run both do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tlesynth import durable
from tlesynth.recipe import Recipe


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
