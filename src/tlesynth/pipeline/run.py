"""Walk the stages: a stage whose inputs and settings are unchanged is skipped, a half-done one is resumed.

``stages/<name>.json`` holds the key under which a stage was started and whether it finished. The key hashes the
stage's part of the recipe, the keys of the stages it needs and the input files, so a change is seen before anything
is computed.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlesynth import __version__, durable, interruption
from tlesynth.errors import fail
from tlesynth.locking import LOCK, holding
from tlesynth.pipeline.stages import Context, Stage, require_groups, stages_of
from tlesynth.progress import clock, say
from tlesynth.recipe import Section, dump

STARTED, FINISHED = "started", "finished"


@dataclass(frozen=True)
class Outcome:
    """What a run left: the report, the synthetic cohort, and how many scans were left out on the way."""

    report: Path
    synthetic: Path
    failed_scans: int
    seconds: float


def run_stages(context: Context, *, replace: bool = False) -> Outcome:
    """Do every stage that is not done.

    Args:
        context: recipe, folder and input.
        replace: redo stages that were made with other settings or inputs, instead of refusing.

    Raises:
        TlesynthError: CFG-005 if the folder is not a run, CFG-010 if it is another recipe's, CFG-011 if the recipe's
            scans would have no group, OPS-010 if it is in use, WTS-001 if weights that the training wants are missing,
            and whatever a stage raises.
    """
    begun = time.monotonic()
    require_groups(context.recipe)
    _require_run_folder(context)
    with holding(context.out), interruption.graceful():
        keys = stage_keys(context)
        changed = [stage for stage in stages_of(context) if _differs(context, stage, keys[stage.name])]
        if changed and not replace:
            names = ", ".join(stage.name for stage in changed)
            raise fail("CFG-010", context.out, f"these stages differ: {names}")
        _require_weights(context)
        for stage in changed:
            _forget(context, stage)
        durable.sweep(context.out)
        durable.write_text(context.out / "recipe.yaml", dump(context.recipe))
        stages = stages_of(context)
        for number, stage in enumerate(stages, 1):
            _do(context, stage, keys[stage.name], f"[{number}/{len(stages)}] {stage.name}")
    return Outcome(
        context.out / "report.html",
        context.out / "synthetic",
        failed_scans(context.out / "derivatives"),
        time.monotonic() - begun,
    )


def stage_keys(context: Context) -> dict[str, str]:
    """The key of each stage of this run."""
    keys: dict[str, str] = {}
    for stage in stages_of(context):
        inputs = [keys[name] for name in stage.needs if name in keys] or [_given(context)]
        keys[stage.name] = durable.hash_of([_own_key(context, stage, stage.settings(context.recipe)), inputs])
    return keys


def _own_key(context: Context, stage: Stage, parts: tuple[Section | str, ...]) -> str:
    """The hash of ``parts`` of the recipe for a stage, whatever its input."""
    return durable.hash_of([stage.name, context.recipe.seed, _plain(parts)])


def _plain(parts: tuple[Section | str, ...]) -> list[Any]:
    """``parts`` of a recipe as JSON."""
    return [part.model_dump(mode="json") if isinstance(part, Section) else part for part in parts]


def _kept_key(context: Context, stage: Stage) -> str:
    """The hash that must stay the same for subjects of an earlier run to be kept."""
    return _own_key(context, stage, (stage.by_subject or stage.settings)(context.recipe))


def _differs(context: Context, stage: Stage, key: str) -> bool:
    """Whether something stands there that was made with other settings or from another input."""
    found = _record(context, stage).get("key", key)
    return found != key and any(_holds_files(context.out / name) for name in stage.writes)


def _holds_files(path: Path) -> bool:
    return path.is_file() or any(inner.is_file() for inner in path.rglob("*"))


def failed_scans(derivatives: Path) -> int:
    """How many scans preprocessing had to leave out."""
    table = derivatives / "outcomes.tsv"
    return int((durable.read_table(table)["status"] == "failed").sum()) if table.is_file() else 0


def _do(context: Context, stage: Stage, key: str, heading: str) -> None:
    known = {"key": key, "kept_key": _kept_key(context, stage)} | _judging_key(context, stage)
    if _is_done(context, stage, known):
        say(f"{heading}: done before")
        return
    say(heading)
    begun = time.monotonic()
    _write_record(context, stage, known | {"state": STARTED})
    stage.do(context)
    seconds = round(time.monotonic() - begun, 1)
    _write_record(context, stage, known | {"state": FINISHED, "seconds": seconds, "version": __version__})
    say(f"{heading}: {clock(seconds)}")
    interruption.check()


def _is_done(context: Context, stage: Stage, known: dict[str, str]) -> bool:
    """Whether a stage is finished and, where it gives a verdict, was judged by what the recipe now says."""
    record = _record(context, stage)
    judged = record.get("judged_key") == known.get("judged_key")
    return record.get("state") == FINISHED and judged and _written(context, stage)


def _judging_key(context: Context, stage: Stage) -> dict[str, str]:
    if stage.judged_by is None:
        return {}
    return {"judged_key": durable.hash_of(_plain(stage.judged_by(context.recipe)))}


def _given(context: Context) -> list[Any]:
    """Names, sizes and times of the input cohort's own files; reading gigabytes to decide to skip would defeat it."""
    if context.given is None:
        return []
    if context.given.is_file():
        return [[context.given.name, durable.sha256(context.given)]]
    tables = context.recipe.labels.table
    files = sorted(f for pattern in ("sub-*/**/*_T1w.nii*", *tables) for f in context.given.glob(pattern))
    return [[f.relative_to(context.given).as_posix(), *_size_and_time(f)] for f in files]


def _size_and_time(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        # A link whose content was never fetched: preprocessing reports that scan, the others go on.
        return []
    return [status.st_size, status.st_mtime_ns]


def _require_run_folder(context: Context) -> None:
    out = context.out
    if context.given is not None:
        if not context.given.is_dir() and not (context.given.is_file() and context.given.suffix == ".csv"):
            what = "it is neither a folder nor a manifest.csv" if context.given.is_file() else "no such folder"
            raise fail("DATA-002", context.given, what)
        if out.resolve().is_relative_to(context.given.resolve()):
            raise fail("CFG-005", out, "it lies inside the input cohort")
    own = (out / "recipe.yaml").is_file() or (out / LOCK).is_file()
    durable.require_own(out, own=own, otherwise=" and not a tlesynth run")
    durable.require_free(out, 2_000_000_000)


def _require_weights(context: Context) -> None:
    """Miss the perceptual loss's weights now, not after hours of preprocessing; a finished training needs none."""
    asks = context.recipe.autoencoder.perceptual.startswith("lpips-")
    if asks and not (context.out / "autoencoder" / "done.json").is_file():
        from tlesynth.pipeline.pretrained import require_weights

        require_weights(context.recipe)


def _forget(context: Context, stage: Stage) -> None:
    """Remove what a stage made; one that keys each subject by its scan keeps them where only the input changed."""
    kept = stage.by_subject is not None and _record(context, stage).get("kept_key") == _kept_key(context, stage)
    for name in () if kept else stage.writes:
        path = context.out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    _path(context, stage).unlink(missing_ok=True)


def _written(context: Context, stage: Stage) -> bool:
    return all((context.out / name).exists() for name in stage.writes)


def _record(context: Context, stage: Stage) -> dict[str, Any]:
    path = _path(context, stage)
    return durable.read_json(path) if path.is_file() else {}


def _write_record(context: Context, stage: Stage, record: dict[str, Any]) -> None:
    durable.write_json(_path(context, stage), record)


def _path(context: Context, stage: Stage) -> Path:
    return context.out / "stages" / f"{stage.name.replace(' ', '-')}.json"
