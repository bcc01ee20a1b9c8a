"""Everything that is measured on a run, into one results.json. Besides the augmentation study, only this opens test.

Every number carries an interval and its n; what cannot be computed says why and what would change it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tlesynth import durable
from tlesynth.classifier.arms import refuse_synthetic
from tlesynth.data.cohort import GROUPS, Cohort, read_cohort
from tlesynth.data.splits import read_splits
from tlesynth.errors import fail
from tlesynth.evaluation import sections, tables
from tlesynth.evaluation.disease import disease, write_maps
from tlesynth.evaluation.encoder import encoder_of
from tlesynth.evaluation.fidelity import fidelity
from tlesynth.evaluation.measure import Measured, join, measure_cohort
from tlesynth.evaluation.privacy import ModelFolders
from tlesynth.evaluation.privacy import privacy as audit
from tlesynth.evaluation.sections import Inputs, Intervals
from tlesynth.evaluation.verdict import verdict, verdict_table
from tlesynth.metrics.statistics import Json
from tlesynth.recipe import Evaluation, Privacy

BANNERS = {
    "simulated": "Simulated data: the brains are drawn and the disease is planted. The results show that the pipeline "
    "works; they are not clinical evidence.",
    "planted": "Planted disease: the heads are real, the epilepsy in them is simulated. The results are not clinical "
    "evidence.",
    "real": "Research use only: this is not a medical device.",
}


def evaluate(  # noqa: PLR0913 (a stage takes each folder it reads by name; the pipeline alone calls it)
    derivatives: Path,
    reconstructions: Path,
    synthetic: Path,
    splits: Path,
    classifiers: Path,
    out: Path,
    settings: Evaluation,
    *,
    seed: int,
    about: dict[str, Any],
    truth: Path | None,
    models: ModelFolders | None = None,
    privacy: Privacy | None = None,
) -> dict[str, Any]:
    """Measure a run and write ``out/results.json`` with its tables; returns the results.

    ``about`` names the recipe, the seed and the data (simulated, planted, real); ``truth`` is a simulation's
    truth.tsv; ``models`` are asked whom they were trained on.

    Raises:
        TlesynthError: DATA-011 if the real cohort or the splits are missing, DATA-013 if a synthetic scan stands in
            val or test, NII-030 if a cohort is on another grid.
    """
    inputs = _inputs(derivatives, reconstructions, synthetic, splits)
    how = Intervals(settings, seed)
    measured = _measure(inputs, out, seed)
    results: Json = {"about": _about(about, inputs, settings)}
    sources = [splits, *(c.root / "participants.tsv" for c in _cohorts(inputs))]
    sources += [*sorted(classifiers.glob("*/model/manifest.json")), *([truth] if truth else [])]
    results["about"]["provenance"] = _provenance(sources, derivatives.parent)
    faithful, per_scan = fidelity(inputs, measured, how)
    results |= faithful
    results["disease"], maps = disease(
        measured.table,
        {"real": inputs.real} | ({"synthetic": inputs.synthetic} if inputs.synthetic else {}),
        sections.HELD_OUT,
        truth,
        settings.equivalence_margin,
        how.of("disease"),
    )
    judged = how.of("classification")
    results["classification"], predictions = sections.classified(inputs, measured, classifiers, judged)
    results["privacy"] = audit(inputs, measured, splits, models, privacy or Privacy(), how)
    results["verdict"] = verdict(results, settings, privacy or Privacy())
    written = {
        "reconstruction": per_scan,
        "frechet": tables.frechet_table(results),
        "hippocampus": measured.table.round(3),
        "predictions": predictions,
        "verdict": verdict_table(results["verdict"]),
        "table1": tables.table_1(results),
        "table2": tables.table_2(results),
        "table4": tables.table_4(results),
    }
    for name, table in written.items():
        durable.write_table(out / f"{name}.tsv", table)
    write_maps(out, maps)
    durable.write_json(out / "results.json", results)
    return results


def _inputs(derivatives: Path, reconstructions: Path, synthetic: Path, splits: Path) -> Inputs:
    real = read_cohort(derivatives)
    copies, made = (_cohort_if_there(folder) for folder in (reconstructions, synthetic))
    for other in (copies, made):
        if other is not None and other.grid != real.grid:
            raise fail("NII-030", other.root, f"it is on {other.grid.name}, the real cohort on {real.grid.name}")
    if made is not None:
        refuse_synthetic(splits, real, made)
    return Inputs(real, copies, made, read_splits(splits, real.ids))


def _cohort_if_there(folder: Path) -> Cohort | None:
    return read_cohort(folder) if (folder / "participants.tsv").is_file() else None


def _measure(inputs: Inputs, out: Path, seed: int) -> Measured:
    split_of = {i: split for split, ids in inputs.members.items() for i in ids}
    if inputs.synthetic is None:
        return measure_cohort(inputs.real, "real", split_of)
    encoder = encoder_of(inputs.real, inputs.members.get("gen_train", []), out, seed)
    made = dict.fromkeys(inputs.synthetic.ids, "synthetic")
    real = measure_cohort(inputs.real, "real", split_of, encoder)
    return join(real, measure_cohort(inputs.synthetic, "synthetic", made, encoder))


def _about(given: dict[str, Any], inputs: Inputs, settings: Evaluation) -> Json:
    made = inputs.synthetic
    return {
        **given,
        "banner": given.get("banner") or BANNERS.get(str(given.get("data")), BANNERS["real"]),
        "n": {s: {g: len(inputs.real_ids(g, (s,))) for g in GROUPS} for s in sorted(inputs.members)},
        "synthetic": {g: len(made.of_group(g)) if made else 0 for g in GROUPS},
        "grid": inputs.real.grid.name,
        "confidence": settings.confidence,
        "bootstrap": settings.bootstrap,
        "measured": settings.measured.model_dump(mode="json"),
    }


def _cohorts(inputs: Inputs) -> list[Cohort]:
    return [c for c in (inputs.real, inputs.reconstructed, inputs.synthetic) if c is not None]


def _provenance(files: list[Path], run: Path) -> dict[str, str]:
    """SHA-256 of what the results came from, by path within the run."""
    return {f.relative_to(run).as_posix() if f.is_relative_to(run) else f.name: durable.sha256(f) for f in files}
