"""From a run's folders to a study's design: who is there, which arms they allow, and that no judge was learned from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tlesynth.augment_study.arms import REAL, RECONSTRUCTED, SYNTHETIC, Pools, ratio_of, wanted_arms
from tlesynth.augment_study.plan import VOLUMES, Design
from tlesynth.augment_study.splits import (
    CHOSE,
    JUDGED,
    LEARNED,
    SPARE,
    generator_learned_from,
    require_unseen,
    site_splits,
    study_splits,
)
from tlesynth.augment_study.training import Workplace, measure, pools_of
from tlesynth.classifier.arms import refuse_synthetic
from tlesynth.classifier.interface import fitting_for
from tlesynth.classifier.scan_set import CLASSES
from tlesynth.data.cohort import Cohort, read_cohort
from tlesynth.data.splits import digest_of, read_splits
from tlesynth.errors import fail
from tlesynth.metrics.statistics import Json
from tlesynth.recipe import Recipe

STATE = ".study"
"""Folder of a study for locks, claims and cached volumes."""


@dataclass(frozen=True)
class Folders:
    """What a study reads: the run's cohorts, its splits, and the latents, whose index says who was learned from."""

    derivatives: Path
    synthetic: Path
    reconstructed: Path | None
    splits: Path
    latents: Path
    simulated: bool
    """Whether nobody's privacy depends on audit_holdout, so that the arm more-real may learn from it."""

    def cohorts(self) -> dict[str, Path]:
        """The cohorts by the origin that their scans get."""
        found = {REAL: self.derivatives, SYNTHETIC: self.synthetic}
        if self.reconstructed is not None:
            found[RECONSTRUCTED] = self.reconstructed
        return {origin: path.absolute() for origin, path in found.items()}


@dataclass(frozen=True)
class Prepared:
    """A study that could begin: its design, its workplace, and what the plan says of the inputs."""

    design: Design
    at: Workplace
    steps: dict[str, int]
    inputs: Json


def prepare(folders: Folders, out: Path, recipe: Recipe) -> Prepared:
    """Read the cohorts and lay out the study; the cohorts' volumes are cached on the way.

    Raises:
        TlesynthError: NII-030 if the cohorts are on several grids, DATA-013 if a synthetic scan would judge, DATA-030
            if one that was learned from would, DATA-008 if a split lacks a class, DATA-031 if no ratio of synthetic to
            real scans can be had, and DATA codes for unfitting splits.
    """
    study, real = recipe.augment_study, read_cohort(folders.derivatives)
    _require_fitting(real, folders)
    task = recipe.classifier.task
    splits = study_splits(folders.splits, real, study, recipe.split, seed=recipe.seed, task=task)
    sites, no_site = site_splits(folders.splits, real, recipe.split, task) if study.site_seeds else ([], {})
    learned = generator_learned_from(folders.latents / "index.tsv", folders.splits)
    require_unseen([*splits, *sites], learned, folders.splits)
    members = read_splits(folders.splits, real.ids)
    spare = tuple(members[SPARE]) if folders.simulated else ()
    at = Workplace(
        folders.cohorts(),
        (out / STATE / "volumes").absolute(),
        (out / "jobs").absolute(),
        spare,
        study,
        recipe.classifier,
        recipe.seed,
        recipe.device,
        recipe.precision,
    )
    caches = at.caches()
    pools = pools_of(caches, splits[0].train, spare, task)
    arms, missing = wanted_arms(study, pools, reconstructed=RECONSTRUCTED in caches)
    _require_a_ratio(arms, pools, task, folders)
    networks = study.classifiers or tuple(dict.fromkeys((recipe.classifier.kind, VOLUMES)))
    if VOLUMES in networks:
        measure(at)
    design = Design(networks, tuple(arms), missing, tuple(splits), tuple(sites), study)
    inputs: Json = {
        "splits": digest_of(folders.splits, (LEARNED, CHOSE, JUDGED, SPARE)),
        "cohorts": {origin: cache.key for origin, cache in sorted(caches.items())},
        "real_scans": len(pools.real),
        "synthetic_scans": len(pools.synthetic),
        "own_test": members[JUDGED],
        "no_site": no_site,
    }
    return Prepared(design, at, {n: _steps(at, n, len(pools.real)) for n in networks}, inputs)


def _require_fitting(real: Cohort, folders: Folders) -> None:
    made = read_cohort(folders.synthetic)
    if real.grid != made.grid:
        raise fail("NII-030", folders.synthetic, f"synthetic on {made.grid.name}, real on {real.grid.name}")
    refuse_synthetic(folders.splits, real, made)


def _require_a_ratio(arms: list[str], pools: Pools, task: str, folders: Folders) -> None:
    """A study without any arm of real and synthetic scans would train for hours, and have nothing to compare."""
    if any(ratio_of(arm) is not None for arm in arms):
        return
    real, made = pools.counts(pools.real), pools.counts(pools.synthetic)
    told = " and ".join(
        f"{made[bool(p)]} synthetic {word} for {real[bool(p)]} real" for p, word in enumerate(CLASSES[task])
    )
    why = f"the task {task} finds {told}, too few for every one of augment_study.ratios"
    raise fail("DATA-031", folders.synthetic, why)


def _steps(at: Workplace, network: str, n_real: int) -> int:
    """Gradient steps of every arm of a kind of classifier in the repeated splits; a model on volumes takes none."""
    if network == VOLUMES:
        return 0
    settings = at.classifier_of(network, "")
    return fitting_for(settings, n_real, seed=0, device=at.device, precision=at.precision).steps
