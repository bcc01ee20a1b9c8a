"""A study of a run's worth: what the verb ``augment-study`` does with a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tlesynth import durable
from tlesynth.errors import fail
from tlesynth.pipeline import judging
from tlesynth.pipeline.cohorts import kind_of
from tlesynth.recipe import Recipe
from tlesynth.sharing.claims import one_at_a_time

NEEDED = ("derivatives/participants.tsv", "synthetic/participants.tsv", "splits.tsv", "latents/index.tsv")
"""The latents' index says whom the generator learned from, whatever splits.tsv says now."""


def augment_study(run: Path, out: Path, recipe: Recipe, given: Path | None = None) -> dict[str, Any]:
    """Run, or go on with, the augmentation study of ``run``; return where it stands and what it found.

    Raises:
        TlesynthError: DATA-011 if a stage of the run is missing, CFG-005 if ``out`` holds something else, and as
            ``augment_study.run.augment_study`` does.
    """
    from tlesynth.augment_study.preparing import STATE, Folders
    from tlesynth.augment_study.run import LEDGER, augment_study

    run, out = Path(run), Path(out)
    for name in NEEDED:
        if not (run / name).is_file():
            raise fail("DATA-011", run / name)
    durable.require_own(out, own=(out / STATE).is_dir(), otherwise=", and no study made what it holds")
    cohort = given if given is not None else run / "cohort"
    folders = Folders(
        run / "derivatives",
        run / "synthetic",
        _reconstructed(run, out, recipe),
        run / "splits.tsv",
        run / "latents",
        cohort.is_dir() and kind_of(cohort) == "simulated",
    )
    state = augment_study(folders, out, recipe)
    made: dict[str, Any] = {"study": str(out), "trainings": f"{state.done} of {state.trainings}"}
    if state.ledger is None:
        return made
    made |= {"ledger": str(out / LEDGER), "verdict": in_words(state.ledger)}
    if out.resolve() == (run / judging.STUDY).resolve() and judging.measured(run):
        judging.judge(run, recipe)
        counts = state.ledger["about"]["task"] == judging.COUNTS
        how = "judged anew with the study" if counts else "judged anew without the study, which is of another task"
        made["lights"] = f"{how}; 'tlesynth report {run}' shows them"
    return made


def in_words(ledger: dict[str, Any]) -> str:
    """The verdict of the declared comparison with its numbers, on one line."""
    primary = ledger["primary"]
    found = ledger["networks"][primary["network"]]["against_rival"]["chosen"]
    gain, words = found["auc_roc"], ledger["words"]["verdict"][primary["verdict"]]
    if "value" not in gain:
        return f"{words}: {gain['not_computed']}"
    interval = f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
    seen = f"this study could have seen {found['power']['detectable']:.3f}"
    return f"{words}: AUC {interval} against {primary['rival']}; {seen}"


def _reconstructed(run: Path, out: Path, recipe: Recipe) -> Path | None:
    """The training scans as the autoencoder rebuilds them, where the study asks for that arm."""
    if "reconstructed" not in recipe.augment_study.controls:
        return None
    from tlesynth.augment_study.preparing import STATE
    from tlesynth.autoencoder.encode import reconstruct_cohort
    from tlesynth.data.cohort import read_cohort
    from tlesynth.data.splits import read_splits

    members = read_splits(run / "splits.tsv", read_cohort(run / "derivatives").ids)
    with one_at_a_time(out / STATE / "reconstruct"):
        reconstruct_cohort(
            run / "autoencoder" / "model",
            run / "derivatives",
            members["gen_train"],
            out / "reconstructions",
            device=recipe.device,
            inference=recipe.inference,
        )
    return out / "reconstructions"
