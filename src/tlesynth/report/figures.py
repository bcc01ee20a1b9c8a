"""All figures of the report, each made if its files are there."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from tlesynth.data.cohort import Cohort, read_cohort
from tlesynth.report import charts, decision_figures, measured_figures, slices
from tlesynth.report.pictures import Picture
from tlesynth.report.slices import Row
from tlesynth.report.sources import Absent, Files, cell

RUNS = {"autoencoder": "Autoencoder", "diffusion": "Latent diffusion"}
QC_COLUMNS = {"dice": True, "correlation": True}
"""Quality measures by which scans are ranked, the first that the table has; whether a low value is the worse one."""


@dataclass(frozen=True)
class Figures:
    """The report's figures; what could not be made is empty."""

    examples: Row | None = None
    reconstructions: dict[str, list[Row]] = field(default_factory=dict)
    film: list[Row] = field(default_factory=list)
    gallery: list[Row] = field(default_factory=list)
    measured: measured_figures.Drawn = measured_figures.Drawn()
    receiver: Picture | None = None
    reliability: Picture | None = None
    benefit: Picture | None = None
    training: dict[str, list[Picture]] = field(default_factory=dict)
    quality: list[Row] = field(default_factory=list)
    quality_column: str = ""


def collect(files: Files) -> Figures:
    """Draw every figure that the run has the files for."""
    real = _cohort(files, "derivatives")
    column = _quality_column(files) if real else ""
    tested = _tested(files)
    judged = decision_figures.of_predictions(tested) if tested is not None else None
    return Figures(
        examples=slices.examples(real) if real else None,
        reconstructions=_reconstructions(files, real) if real else {},
        film=_film(files),
        gallery=_gallery(files, real) if real else [],
        measured=measured_figures.draw(files),
        receiver=charts.receiver(tested) if tested is not None else None,
        reliability=decision_figures.reliability(judged) if judged else None,
        benefit=decision_figures.benefit(judged) if judged else None,
        training=_training(files),
        quality=_quality(files, real, column) if real and column else [],
        quality_column=column,
    )


def _cohort(files: Files, name: str) -> Cohort | None:
    return read_cohort(files.path(name)) if files.has(f"{name}/participants.tsv") else None


def _reconstructions(files: Files, real: Cohort) -> dict[str, list[Row]]:
    rebuilt = _cohort(files, "reconstructions")
    if rebuilt is None:
        return {}
    within = set(rebuilt.ids) & set(real.ids) & (_split(files, "test") or set(real.ids))
    subjects = slices.first_of_each_group(real, within)
    return {plane: slices.reconstructions(real, rebuilt, subjects, plane) for plane in slices.PLANES}


def _split(files: Files, split: str) -> set[str]:
    if not files.has("splits.tsv"):
        return set()
    table = files.table("splits.tsv")
    return set(table.loc[table["split"] == split, "participant_id"])


def _film(files: Files) -> list[Row]:
    try:
        about = files.document("film/film.json")
    except Absent:
        return []
    return slices.film(files.path("film"), about)


def _gallery(files: Files, real: Cohort) -> list[Row]:
    synthetic = _cohort(files, "synthetic")
    return slices.gallery(real, synthetic) if synthetic else []


def _tested(files: Files) -> pd.DataFrame | None:
    """What every arm said of the test scans."""
    if not files.has("evaluation/predictions.tsv"):
        return None
    table = files.table("evaluation/predictions.tsv")
    table = table[table["cohort"] == "test"]
    return table if len(table) else None


def _training(files: Files) -> dict[str, list[Picture]]:
    drawn = {}
    for name, words in RUNS.items():
        if files.has(f"{name}/metrics.csv"):
            table = files.table(f"{name}/metrics.csv")
            drawn[words] = charts.training_apart(table) if name == "autoencoder" else charts.training({words: table})
    arms = {
        folder.name: files.table(f"classifier/{folder.name}/metrics.csv")
        for folder in sorted(files.path("classifier").glob("*"))
        if (folder / "metrics.csv").is_file()
    }
    if arms:
        ordered = {a: arms[a] for a in [*charts.ARM_WORDS, *arms] if a in arms}
        drawn["Classifier"] = charts.training(ordered)
    return {words: pictures for words, pictures in drawn.items() if pictures}


def _quality_column(files: Files) -> str:
    if not files.has("derivatives/qc.tsv"):
        return ""
    return next((c for c in QC_COLUMNS if c in files.table("derivatives/qc.tsv")), "")


def _quality(files: Files, real: Cohort, column: str) -> list[Row]:
    name = "derivatives/qc.tsv"
    ranked = slices.worst(files.table(name), real, column, low_is_worse=QC_COLUMNS[column])
    return slices.quality(real, ranked, [cell(name, column, participant_id=subject) for subject in ranked])
