"""Training a network and writing the page that shows it: what a verb and a stage of a run both do."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

from tlesynth import durable, interruption
from tlesynth.recipe import Recipe, Usage

POLL_S = 0.2


def train_diffusion(latents: Path, splits: Path, out: Path, recipe: Recipe, *, written: Path) -> None:
    """Train the diffusion transformer, on several devices where the recipe says so; ``written`` holds the recipe.

    Raises:
        TlesynthError: as ``diffusion.train.train_diffusion`` does.
        SystemExit: with the status of processes that failed, which have said why.
    """
    if recipe.devices > 1:
        # Lightning starts the command of the first process again for every other: that must be this verb alone.
        places = {"--latents": latents, "--splits": splits, "--out": out, "--recipe": written}
        _by_command(["train", "diffusion", *(str(word) for option in places.items() for word in option)])
        return
    train_diffusion_here(latents, splits, out, recipe)


def train_diffusion_here(latents: Path, splits: Path, out: Path, recipe: Recipe, devices: int = 1) -> None:
    """The same in this process, and others where the caller is one of several; by the recipe's own limits, if any.

    Raises:
        TlesynthError: as ``diffusion.train.train_diffusion`` does, and CFG-002 for a sampler that cannot sample it.
    """
    from tlesynth.autoencoder.gate.verdict import judged_anew
    from tlesynth.diffusion.latents import read_about
    from tlesynth.diffusion.process import process_of
    from tlesynth.diffusion.solvers import solver_of
    from tlesynth.diffusion.train import train_diffusion as train

    machine = {"seed": recipe.seed, "device": recipe.device, "precision": recipe.precision}
    gate = judged_anew(read_about(latents).get("gate"), recipe.autoencoder.gate)
    solver_of(process_of(recipe.diffusion.noise), recipe.sample.sampler, recipe.sample.steps)  # before hours of work
    usage = Usage(sampling=recipe.sample.sampling, inference=recipe.inference)
    train(latents, splits, out, recipe.diffusion, **machine, devices=devices, gate=gate, usage=usage)


def _by_command(words: list[str]) -> None:
    """Run a verb as a command of its own, and hand on a stop request, once."""
    command = [sys.executable, "-m", "tlesynth", *words]
    process, told = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True), False
    while process.poll() is None:
        time.sleep(POLL_S)
        if interruption.requested() and not told:
            process.terminate()
            told = True
    if process.returncode:
        raise SystemExit(process.returncode)


def tune(diffusion: Path, latents: Path, splits: Path, recipe: Recipe) -> dict[str, Any]:
    """Sweep steps and guidance on the validation latents, draw the curves; return what was chosen and where they lie.

    Raises:
        TlesynthError: as ``diffusion.tune.tune`` does.
    """
    from tlesynth.diffusion.tune import tune as sweep
    from tlesynth.report.tuning_figure import write_curves

    found = sweep(diffusion, latents, splits, recipe.tune, recipe.sample, seed=recipe.seed, device=recipe.device)
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

    machine = {"seed": recipe.seed, "device": recipe.device, "precision": recipe.precision}
    train(derivatives, splits, out, recipe.autoencoder, **machine, inference=recipe.inference)
    return _shown(out, derivatives, data)


def import_autoencoder(
    file: Path,
    family: Literal["maisi", "monai"],
    derivatives: Path,
    splits: Path,
    out: Path,
    recipe: Recipe,
    groups: int,
) -> dict[str, Any]:
    """Take in somebody's weights, judge them, write their page; return what ``train_autoencoder`` does.

    ``groups`` are those of its GroupNorm.

    Raises:
        TlesynthError: as ``autoencoder.foreign.import_autoencoder`` does.
    """
    from tlesynth.autoencoder.foreign import import_autoencoder as take_in

    judging = (recipe.autoencoder.gate, recipe.inference)
    take_in(file, family, derivatives, splits, out, norm_groups=groups, device=recipe.device, judging=judging)
    return _shown(out, derivatives)


def _shown(out: Path, derivatives: Path, data: str = "") -> dict[str, Any]:
    """Write the page on the autoencoder in ``out``; where model and page lie, and what the gate said."""
    from tlesynth.report import autoencoder_page, cohort_page

    data = data or cohort_page.data_beside(derivatives)
    page = autoencoder_page.build(out, derivatives, out / autoencoder_page.PAGE, data=data)
    verdict = durable.read_json(out / "gate.json")["verdict"]
    return {"model": str(out / "model"), "quality gate": verdict, "page": str(page)}
