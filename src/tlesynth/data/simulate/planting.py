"""A planted cohort: the simulated disease, with its known sizes, in the real healthy heads of a BIDS data set.

Half of the heads become patients; they are paired by site, sex and age, and the source's own groups are ignored. A
head that cannot be used is written into outcomes.tsv and skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlesynth import durable, volume
from tlesynth.data import cohort
from tlesynth.data.preprocess.brain_mask import find_brain
from tlesynth.data.preprocess.registration import register_affine
from tlesynth.data.simulate import subjects
from tlesynth.data.simulate.cohort import (
    TRUTH,
    as_planted,
    claim,
    facts,
    finish_truth,
    is_finished,
    scan_path,
    truth_path,
)
from tlesynth.data.simulate.head import plant
from tlesynth.data.simulate.presets import severity_scale
from tlesynth.data.simulate.scan import TEMPLATE_BRAIN_ML, Pose
from tlesynth.data.simulate.shape import shape
from tlesynth.data.simulate.verification import checked, label_map, write_summary
from tlesynth.data.sources.bids import SEXES, find_scans, survey
from tlesynth.errors import TlesynthError, fail
from tlesynth.progress import bar, say
from tlesynth.recipe import Labels, Simulate
from tlesynth.seeds import generator, seed_of
from tlesynth.sharing.crew import Crew

REGISTRATION_MM = 4.0
FATAL = ("RES-001", "RES-002", "RES-020", "OPS-075")
"""Failures that no other subject would survive either."""


@dataclass(frozen=True)
class Head:
    """One source scan, the label map beside it if any, and the subject it becomes."""

    scan: Path
    labels: Path | None
    site: str | None
    assignment: subjects.Assignment


def plant_into(
    bids: Path,
    settings: Simulate,
    out: Path,
    *,
    seed: int,
    jobs: int = 0,
    most: int | None = None,
    labels: Labels | None = None,
) -> None:
    """Write a raw BIDS data set under ``out`` whose heads are those of ``bids``, half of them with planted TLE.

    Heads that ``labels`` call patients are not used; of the others at most ``most``, drawn by chance in matched pairs.
    Of ``settings``, the severity, the sides and the share of sclerosis count. What was planted goes to
    derivatives/truth/truth.tsv, what became of each head to outcomes.tsv beside it, and how well planted and measured
    volumes agree to verification.json.

    Raises:
        TlesynthError: DATA-002 if ``bids`` has no T1w scan, DATA-005 if none could be used, CFG-005 if ``out`` lies
            in ``bids`` or holds other files, CFG-010 if it holds another simulation, CFG-002 if the preset has no
            calibrated severity.
    """
    bids, out = Path(bids).absolute(), Path(out)
    if bids.is_file():
        raise fail("DATA-002", bids, "heads are planted into from a BIDS folder, not from a table")
    if out.resolve().is_relative_to(bids.resolve()):
        raise fail("CFG-005", out, "it lies inside the heads' own folder")
    heads = plan(bids, settings, seed, most, labels or Labels())
    source = [[h.scan.relative_to(bids).as_posix(), h.scan.stat().st_size] for h in heads]
    claim(out, {"settings": as_planted(settings), "seed": seed, "heads": durable.hash_of(source)})
    todo = {h.assignment.participant_id: h for h in heads if not is_finished(out, h.assignment.participant_id)}
    failed: dict[str, tuple[str, str]] = {}
    work = partial(plant_head, settings=settings, out=out, seed=seed)
    with bar("planting into heads", len(heads), len(heads) - len(todo)) as shown:
        for name, failure in Crew(work, jobs, _lost).each(todo):
            if failure:
                failed[name] = failure
                say(f"{name} skipped: {failure[1]}")
            shown.advance(note=name)
    _finish(bids, out, heads, failed)


def plan(
    bids: Path, settings: Simulate, seed: int, most: int | None = None, labels: Labels | None = None
) -> list[Head]:
    """Who becomes what: neighbours in site, sex and age are paired, and chance picks the patient of each pair."""
    scans = _healthy(bids, find_scans(bids), labels or Labels())
    people = _people(bids, list(scans))
    pairs = people.sort_values(["site", "sex", "age"], na_position="last", kind="stable").index
    if most is not None and most < len(pairs):
        couples = np.sort(generator(seed, "planting", "heads").permutation(len(pairs) // 2)[: max(most // 2, 1)])
        pairs = pairs[np.stack([2 * couples, 2 * couples + 1], axis=1).ravel()]
        scans = {name: scan for name, scan in scans.items() if name in set(pairs)}
    rng = generator(seed, "planting")
    coins = rng.integers(0, 2, size=len(pairs) // 2 + 1)
    patients = [name for i, name in enumerate(pairs) if i % 2 == coins[i // 2] and (i ^ 1) < len(pairs)]
    sides, sclerosis = subjects.sides_and_sclerosis(rng, len(patients), settings)
    disease = {name: (str(s), str(h)) for name, s, h in zip(patients, sides, sclerosis, strict=True)}
    heads = []
    for name, scan in scans.items():
        person, (side, hs) = people.loc[name], disease.get(name, (None, None))
        sex = person["sex"] if isinstance(person["sex"], str) else "n/a"
        group = "tle" if name in disease else "hc"
        assignment = subjects.Assignment(name, group, side, hs, float(person["age"]), sex, 0)
        site = person["site"] if isinstance(person["site"], str) else None
        heads.append(Head(scan, label_map(bids, name), site, assignment))
    return heads


def _healthy(bids: Path, scans: dict[str, Path], labels: Labels) -> dict[str, Path]:
    """The scans of people who are no patients, as far as the tables say."""
    try:
        patients = {scan.participant_id for scan in survey(bids, labels).scans if scan.group == "tle"}
    except TlesynthError as error:
        say(f"every head counts as healthy, since its group is not known ({error.code})")
        return scans
    if patients:
        say(f"{len(patients)} heads of patients are not used")
    return {name: scan for name, scan in scans.items() if name not in patients}


def plant_head(head: Head, settings: Simulate, out: Path, seed: int) -> tuple[str, str] | None:
    """Plant into one head and write it; an error code and the reason where that cannot be done."""
    try:
        _plant_head(head, settings, out, seed)
    except TlesynthError as error:
        if error.code in FATAL:
            raise
        return error.code, str(error)
    except (ValueError, ArithmeticError, RuntimeError, IndexError) as error:
        # One strange scan must not cost the cohort; its row in outcomes.tsv keeps the reason.
        return "OPS-001", f"{type(error).__name__}: {error}"
    return None


def _lost(head: Head) -> tuple[str, str]:
    return "RES-020", f"the process that worked on {head.assignment.participant_id} was killed twice"


def _plant_head(head: Head, settings: Simulate, out: Path, seed: int) -> None:
    who = head.assignment
    source = volume.read(head.scan)
    draw_seed = seed_of(seed, "registration", who.participant_id)
    brain = find_brain(source, seed=draw_seed)
    to_native = register_affine(source, brain.voxels, REGISTRATION_MM, seed=draw_seed)
    scale = float(np.linalg.det(to_native[:3, :3]))
    latents = subjects.draw_planted(who, settings, seed)
    latents = replace(latents, icv_ml=TEMPLATE_BRAIN_ML * scale)
    made = shape(latents, None)
    planted = plant(source, brain.voxels, to_native, latents, made, who.side or "right")
    path = scan_path(out, who.participant_id)
    # Whole numbers stay whole numbers; anything else is scaled by the writer.
    whole = np.array_equal(source.voxels, np.rint(source.voxels)) and np.abs(planted.voxels).max() < 32767
    voxels = np.rint(planted.voxels).astype(np.int16) if whole else planted.voxels
    volume.write(path, voxels, source.affine, description="tlesynth planted T1w")
    durable.write_json(path.with_name(f"{who.participant_id}_T1w.json"), _sidecar(head, brain.method))
    truth = vars(who) | {"site": head.site, "seed": seed, "failed": "no"}
    truth |= {"preset": settings.preset, "scenario": "planted", "severity_scale": severity_scale(settings)}
    truth |= facts(latents, made, scale, who.side)
    truth |= Pose(np.linalg.inv(to_native)).numbers(None) | checked(planted, source, head.labels)
    known = {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in truth.items()}
    durable.write_json(truth_path(out, who.participant_id), known)


def _people(bids: Path, names: list[str]) -> pd.DataFrame:
    """Age, sex and site where the source says them, indexed by participant_id."""
    path = Path(bids) / "participants.tsv"
    table = durable.read_table(path) if path.is_file() else pd.DataFrame({"participant_id": names})
    table.columns = [c.strip().lower() for c in table.columns]
    if "participant_id" not in table:
        raise fail("DATA-001", path, "no column participant_id")
    table["participant_id"] = "sub-" + table["participant_id"].str.removeprefix("sub-")
    table = table.drop_duplicates("participant_id").set_index("participant_id").reindex(names)
    sex = table["sex"] if "sex" in table else table.get("gender", pd.Series(np.nan, table.index, dtype=object))
    site = table.get("site", pd.Series(np.nan, table.index, dtype=object))
    age = pd.to_numeric(table.get("age", pd.Series(np.nan, table.index)), errors="coerce")
    sexes = [SEXES.get(str(value).strip().lower()) for value in sex]
    return pd.DataFrame({"site": list(site), "sex": sexes, "age": list(age)}, index=table.index)


def _sidecar(head: Head, method: str) -> dict[str, Any]:
    beside = head.scan.with_name(head.scan.name.split(".")[0] + ".json")
    known = durable.read_json(beside) if beside.is_file() else {}
    # The sidecar must not say who is a patient: the group stands in participants.tsv only.
    return known | {"SkullStripped": method == "extracted", "ImageComments": "altered by tlesynth: a planted cohort"}


def _finish(bids: Path, out: Path, heads: list[Head], failed: dict[str, tuple[str, str]]) -> None:
    rows = []
    for head in heads:
        code, why = failed.get(head.assignment.participant_id, ("", ""))
        status = "failed" if code else "ok"
        rows.append({"participant_id": head.assignment.participant_id, "status": status, "code": code, "reason": why})
    used = [h for h in heads if h.assignment.participant_id not in failed]
    durable.write_table(out / "derivatives" / "truth" / "outcomes.tsv", pd.DataFrame(rows).replace("", None))
    if not used:
        raise fail("DATA-005", out / "derivatives" / "truth")
    people = pd.DataFrame([vars(h.assignment) | {"site": h.site} for h in used]).set_index("participant_id")
    cohort.write_participants(out, people)
    described = bids / "dataset_description.json"
    source = durable.read_json(described) if described.is_file() else {}
    about = (
        f"Real heads of {source.get('Name', 'a BIDS data set')} in half of which temporal lobe epilepsy was planted by "
        "deformation. The disease is not real: nobody here is known to have epilepsy."
    )
    cohort.write_dataset_description(
        out, "tlesynth planted cohort", "raw", about, license=str(source.get("License", "n/a"))
    )
    truth = finish_truth(out, [h.assignment.participant_id for h in used])
    write_summary(out / TRUTH, truth)
