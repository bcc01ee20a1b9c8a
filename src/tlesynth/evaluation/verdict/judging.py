"""The lights of results that are there, by limits that may have changed since; nothing is measured."""

from __future__ import annotations

from pathlib import Path

from tlesynth import durable
from tlesynth.errors import fail
from tlesynth.evaluation.verdict.section import verdict
from tlesynth.evaluation.verdict.table import verdict_table
from tlesynth.metrics.statistics import Json
from tlesynth.recipe import Evaluation, Privacy

RESULTS = "results.json"


def judge(folder: Path, evaluation: Evaluation, privacy: Privacy, study: Json | None = None) -> Json:
    """Write the verdict into ``folder/results.json`` and ``verdict.tsv``; returns the results.

    ``study`` is the augmentation study's ledger, or why it does not count.

    Raises:
        TlesynthError: DATA-011 if there are no results, DATA-001 if they cannot be read.
    """
    path = folder / RESULTS
    if not path.is_file():
        raise fail("DATA-011", path, "nothing has been measured yet: 'tlesynth evaluate' does")
    results = durable.read_json(path, "DATA-001")
    results["verdict"] = verdict(results, evaluation, privacy, study)
    durable.write_table(folder / "verdict.tsv", verdict_table(results["verdict"]))
    durable.write_json(path, results)
    return results
