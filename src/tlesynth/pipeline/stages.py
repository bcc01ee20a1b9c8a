"""Each stage: what it needs, what it writes, which part of the recipe decides it, and the one call that does it.

Heavy libraries are imported inside the calls, so that a skipped stage costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlesynth.recipe import Recipe, Section


@dataclass(frozen=True)
class Context:
    """One run: its recipe, its folder, and the cohort it starts from (none means the simulated one)."""

    recipe: Recipe
    out: Path
    given: Path | None = None

    @property
    def cohort(self) -> Path:
        """The raw BIDS cohort of this run."""
        return self.given if self.given is not None else self.out / "cohort"

    @property
    def truth(self) -> Path | None:
        """The planted truth beside the raw cohort, where there is one; only the evaluation reads it."""
        path = self.cohort / "derivatives" / "truth" / "truth.tsv"
        return path if path.is_file() else None


@dataclass(frozen=True)
class Stage:
    """One verb of the product as a step of the pipeline."""

    name: str
    needs: tuple[str, ...]
    writes: tuple[str, ...]
    settings: Callable[[Recipe], tuple[Section | str, ...]]
    do: Callable[[Context], None]
    by_subject: bool = False
    """Whether it keys each subject by its own input, so that a changed scan costs only that subject."""


def simulate(context: Context) -> None:
    """Write the simulated cohort."""
    from tlesynth.data.simulate import simulate_cohort

    recipe = context.recipe
    simulate_cohort(recipe.simulate, context.cohort, seed=recipe.seed, jobs=recipe.preprocess.jobs)


def preprocess(context: Context) -> None:
    """Bring every scan onto the grid."""
    from tlesynth.data.preprocess.run import preprocess as preprocess_cohort

    recipe = context.recipe
    preprocess_cohort(context.cohort, context.out / "derivatives", recipe.preprocess, recipe.labels, seed=recipe.seed)


def split(context: Context) -> None:
    """Share the participants out."""
    from tlesynth.data.splits import make_splits

    out = context.out
    make_splits(out / "derivatives", out / "splits.tsv", context.recipe.split, seed=context.recipe.seed)


def train_autoencoder(context: Context) -> None:
    """Train the VAE-GAN."""
    from tlesynth.autoencoder.train import train_autoencoder as train

    out, recipe = context.out, context.recipe
    train(out / "derivatives", out / "splits.tsv", out / "autoencoder", recipe.autoencoder, **_machine(recipe))


def encode(context: Context) -> None:
    """Write latents and reconstructions."""
    from tlesynth.autoencoder.encode import encode_cohort

    out = context.out
    encode_cohort(
        out / "autoencoder" / "model",
        out / "derivatives",
        out / "splits.tsv",
        out / "latents",
        out / "reconstructions",
        device=context.recipe.device,
    )


def train_diffusion(context: Context) -> None:
    """Train the diffusion transformer on the latents."""
    from tlesynth.diffusion.train import train_diffusion as train

    out, recipe = context.out, context.recipe
    train(out / "latents", out / "splits.tsv", out / "diffusion", recipe.diffusion, **_machine(recipe))


def sample(context: Context) -> None:
    """Write the synthetic cohort and the film."""
    from tlesynth.synthesis import sample_cohort

    out, recipe = context.out, context.recipe
    sample_cohort(
        out / "autoencoder" / "model",
        out / "diffusion" / "model",
        out / "synthetic",
        out / "film",
        recipe.sample,
        seed=recipe.seed,
        device=recipe.device,
    )


def train_classifier(context: Context) -> None:
    """Train the classifiers, an arm each."""
    from tlesynth.classifier.train import train_classifiers

    out, recipe = context.out, context.recipe
    train_classifiers(
        out / "derivatives",
        out / "synthetic",
        out / "splits.tsv",
        out / "classifier",
        recipe.classifier,
        **_machine(recipe),
    )


def evaluate(context: Context) -> None:
    """Measure the synthetic cohort against the real one."""
    from tlesynth.evaluation.evaluate import evaluate as measure

    out, recipe = context.out, context.recipe
    measure(
        out / "derivatives",
        out / "reconstructions",
        out / "synthetic",
        out / "splits.tsv",
        out / "classifier",
        out / "evaluation",
        recipe.evaluation,
        seed=recipe.seed,
        about={"recipe": recipe.name, "seed": recipe.seed, "data": kind_of_data(context)},
        truth=context.truth,
    )


def report(context: Context) -> None:
    """Write the page."""
    from tlesynth.report import build

    build(context.out, context.out / "report.html")


def kind_of_data(context: Context) -> str:
    """``simulated``, ``planted`` (simulated disease in real heads) or ``real``."""
    if context.given is None:
        return "simulated"
    return "planted" if context.truth else "real"


def _machine(recipe: Recipe) -> dict[str, Any]:
    return {"seed": recipe.seed, "device": recipe.device, "precision": recipe.precision}


STAGES: tuple[Stage, ...] = (
    Stage("simulate", (), ("cohort",), lambda r: (r.simulate,), simulate),
    Stage(
        "preprocess", ("simulate",), ("derivatives",), lambda r: (r.preprocess, r.labels), preprocess, by_subject=True
    ),
    Stage("split", ("preprocess",), ("splits.tsv",), lambda r: (r.split,), split),
    Stage("train autoencoder", ("split",), ("autoencoder",), lambda r: (r.autoencoder, r.precision), train_autoencoder),
    Stage("encode", ("train autoencoder",), ("latents", "reconstructions"), lambda r: (), encode),
    Stage("train diffusion", ("encode",), ("diffusion",), lambda r: (r.diffusion, r.precision), train_diffusion),
    Stage("sample", ("train diffusion",), ("synthetic", "film"), lambda r: (r.sample,), sample),
    Stage("train classifier", ("sample",), ("classifier",), lambda r: (r.classifier, r.precision), train_classifier),
    Stage("evaluate", ("train classifier",), ("evaluation",), lambda r: (r.evaluation,), evaluate),
    Stage("report", ("evaluate",), ("report.html",), lambda r: (), report),
)
