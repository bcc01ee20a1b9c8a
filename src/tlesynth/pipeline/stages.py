"""Each stage: what it needs, what it writes, which part of the recipe decides it, and the one call that does it.

Heavy libraries are imported inside the calls, so that a skipped stage costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlesynth.errors import fail
from tlesynth.pipeline import cohorts, judging, models
from tlesynth.recipe import Preprocess, Recipe, Section


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
    by_subject: Callable[[Recipe], tuple[Section | str, ...]] | None = None
    """What decides a subject's own files, where each subject is keyed by its own input: while that is the same, a
    changed scan, limit or label costs only the subjects it touches."""
    judged_by: Callable[[Recipe], tuple[Section | str, ...]] | None = None
    """What judges or labels the result without deciding it: where only that changed, the stage gives its verdict and
    its tables anew and keeps everything else, and no later stage is redone."""
    wanted: Callable[[Recipe], bool] = lambda recipe: True
    """Whether the recipe asks for it."""
    of_simulated: bool = False
    """Whether it is for the run's own simulated cohort alone."""


def simulate(context: Context) -> None:
    """Write the simulated cohort."""
    cohorts.simulate(context.recipe, context.cohort, seed=context.recipe.seed)


def preprocess(context: Context) -> None:
    """Bring every scan onto the grid, once both groups are known to be there."""
    from tlesynth.data.preprocess.run import participants_of
    from tlesynth.data.sources.bids import require_classes

    found = participants_of(context.cohort, context.recipe.preprocess, context.recipe.labels)
    require_classes([scan.group for scan in found.scans], context.cohort)
    cohorts.preprocess(context.cohort, context.out / "derivatives", context.recipe)


def split(context: Context) -> None:
    """Share the participants out."""
    from tlesynth.data.splits import make_splits

    out = context.out
    make_splits(out / "derivatives", out / "splits.tsv", context.recipe.split, seed=context.recipe.seed)


def train_autoencoder(context: Context) -> None:
    """Train the VAE-GAN, judge it and show it."""
    out, kind = context.out, cohorts.kind_of(context.cohort)
    models.train_autoencoder(out / "derivatives", out / "splits.tsv", out / "autoencoder", context.recipe, data=kind)


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
        inference=context.recipe.inference,
        copies=context.recipe.encode,
    )


def train_diffusion(context: Context) -> None:
    """Train the diffusion transformer on the latents."""
    out = context.out
    models.train_diffusion(
        out / "latents", out / "splits.tsv", out / "diffusion", context.recipe, written=out / "recipe.yaml"
    )


def tune(context: Context) -> None:
    """Choose how to sample."""
    out = context.out
    models.tune(out / "diffusion" / "model", out / "latents", out / "splits.tsv", context.recipe)


def sample(context: Context) -> None:
    """Write the synthetic cohort and the film."""
    from tlesynth.synthesis.cohort import sample_cohort
    from tlesynth.synthesis.film import film_of
    from tlesynth.synthesis.guard import guard_of
    from tlesynth.synthesis.requests import Wish, subjects_of
    from tlesynth.synthesis.synthesizer import synthesizer_of

    out, recipe = context.out, context.recipe
    models = synthesizer_of(
        out / "autoencoder" / "model",
        out / "diffusion" / "model",
        recipe.sample,
        seed=recipe.seed,
        device=recipe.device,
        inference=recipe.inference,
    )
    subjects = models.completed(subjects_of(Wish(), recipe.sample, models.diffusion))
    guard = guard_of(out / "derivatives", out / "splits.tsv", recipe.privacy, recipe.seed)
    sample_cohort(models, subjects, out / "synthetic", guard=guard)
    film_of(subjects, models, out / "film")


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
    """Measure the synthetic cohort against the real one; where only the verdict's limits changed, judge it anew."""
    out, recipe = context.out, context.recipe
    if judging.measured(out):
        judging.judge(out, recipe)
    else:
        judging.evaluate(out, recipe, data=cohorts.kind_of(context.cohort), truth=context.truth)


def rehearse(context: Context) -> None:
    """Let simulated readers try a reader study."""
    from tlesynth.pipeline.rehearsing import rehearse_study

    rehearse_study(context.out, context.out / "rehearsal", context.recipe)


def report(context: Context) -> None:
    """Write the page."""
    from tlesynth.report import build

    build(context.out, context.out / "report.html")


def _made(recipe: Recipe) -> Section:
    """What decides the voxels of a preprocessed scan: not who did the work, nor what was thought of the result."""
    plain = Preprocess()
    others = {"jobs": plain.jobs, "sharing": plain.sharing, "subject_seconds": plain.subject_seconds, "qc": plain.qc}
    return recipe.preprocess.model_copy(update=others)


def _judged(recipe: Recipe) -> tuple[Section, ...]:
    """What the autoencoder's verdict depends on besides its weights: the limits, and how volumes are decoded."""
    return recipe.autoencoder.gate, recipe.inference


def _machine(recipe: Recipe) -> dict[str, Any]:
    return {"seed": recipe.seed, "device": recipe.device, "precision": recipe.precision}


STAGES: tuple[Stage, ...] = (
    Stage("simulate", (), ("cohort",), lambda r: (r.simulate,), simulate, of_simulated=True),
    Stage(
        "preprocess",
        ("simulate",),
        ("derivatives",),
        lambda r: (_made(r), r.preprocess.qc, r.labels),
        preprocess,
        by_subject=lambda r: (_made(r),),
        judged_by=cohorts.carried,
    ),
    Stage("split", ("preprocess",), ("splits.tsv",), lambda r: (r.split,), split),
    Stage(
        "train autoencoder",
        ("split",),
        ("autoencoder",),
        lambda r: (r.autoencoder.decisive, r.precision),
        train_autoencoder,
        judged_by=_judged,
    ),
    Stage(
        "encode",
        ("train autoencoder",),
        ("latents", "reconstructions"),
        lambda r: (r.inference, r.encode),
        encode,
        judged_by=lambda r: (*_judged(r), *cohorts.carried(r)),  # the latents carry the verdict and the columns
    ),
    Stage(
        "train diffusion",
        ("encode",),
        ("diffusion",),
        lambda r: (r.diffusion.decisive, r.precision),
        train_diffusion,
    ),
    Stage(
        "tune",
        ("train diffusion",),
        ("diffusion/tuned.json", "diffusion/tuned.webp"),
        lambda r: (r.tune, r.sample.sampler, str(r.sample.guidance_interval)),
        tune,
        wanted=lambda r: r.sample.tuned,
    ),
    Stage(
        "sample",
        ("train diffusion", "tune"),
        ("synthetic", "film"),
        lambda r: (r.sample, r.inference, r.privacy.decisive),
        sample,
        judged_by=lambda r: (r.privacy,),
    ),
    Stage("train classifier", ("sample",), ("classifier",), lambda r: (r.classifier, r.precision), train_classifier),
    Stage(
        "evaluate",
        ("train classifier",),
        ("evaluation",),
        lambda r: (r.evaluation.measured, r.privacy),
        evaluate,
        judged_by=lambda r: (r.evaluation.verdict,),
    ),
    Stage(
        "rehearse",
        ("sample",),
        ("rehearsal",),
        lambda r: (r.rehearsal,),
        rehearse,
        wanted=lambda r: r.rehearsal.readers > 0,
        of_simulated=True,
    ),
    Stage(
        "report",
        ("evaluate",),
        ("report.html",),
        lambda r: (),
        report,
        judged_by=lambda r: (*_judged(r), r.evaluation.verdict, r.rehearsal),  # the page prints them all
    ),
)


def stages_of(context: Context) -> list[Stage]:
    """The stages of a run: without those of a simulated cohort where one is given, and those nobody asked for."""
    given = context.given is not None
    return [stage for stage in STAGES if stage.wanted(context.recipe) and not (given and stage.of_simulated)]


def require_groups(recipe: Recipe) -> None:
    """Refuse, before any work, a recipe whose synthetic scans would belong to no group.

    Raises:
        TlesynthError: CFG-011 if group is none of its conditions.
    """
    if "group" not in recipe.diffusion.conditions:
        add, alone = "add 'group: {values: [hc, tle]}'", "'tlesynth sample --n 100'"
        why = f"a run compares synthetic patients with controls: {add}, or take the verbs one by one, up to {alone}"
        raise fail("CFG-011", "diffusion.conditions", f"group is not among them, but {why}")
