"""The lights of results that are there, by limits that may have changed since; nothing is measured."""

from __future__ import annotations

from pathlib import Path

from tlesynth import durable
from tlesynth.errors import fail
from tlesynth.evaluation.verdict.section import verdict
from tlesynth.evaluation.verdict.table import verdict_table
from tlesynth.metrics.statistics import Json
from tlesynth.recipe import Evaluation, Measures, Privacy

RESULTS = "results.json"


def judge(folder: Path, evaluation: Evaluation, privacy: Privacy, study: Json | None = None) -> Json:
    """Write the verdict into ``folder/results.json`` and ``verdict.tsv``; returns the results.

    ``study`` is the augmentation study's ledger, or why it does not count. The equivalence margin is the one that the
    figures were measured with, where they tell it, so that no light contradicts the table of effects.

    Raises:
        TlesynthError: DATA-011 if there are no results, DATA-001 if they cannot be read.
    """
    results = _results_in(folder)
    known = _measured_with(results)
    limits = evaluation.model_copy(update={k: known[k] for k in ("equivalence_margin",) if k in known})
    results["verdict"] = verdict(results, limits, privacy, study)
    durable.write_table(folder / "verdict.tsv", verdict_table(results["verdict"]))
    durable.write_json(folder / RESULTS, results)
    return results


def require_measured(folder: Path, asked: Evaluation, usual: Evaluation) -> None:
    """Refuse what is ``asked`` for beyond the ``usual`` where the results of ``folder`` were measured otherwise.

    Raises:
        TlesynthError: CFG-002 with the settings that only measuring anew applies; as ``judge``.
    """
    known = _measured_with(_results_in(folder))
    wanted, own = asked.measured.model_dump(mode="json"), usual.measured.model_dump(mode="json")
    changed = [k for k, value in wanted.items() if value != own[k] and value != known.get(k, own[k])]
    if changed:
        listed = ", ".join(f"{k} {known.get(k, own[k]):g}, not {wanted[k]:g}" for k in changed)
        why = f"the results were measured with evaluation.{listed}; only 'tlesynth evaluate' without --judge-only can"
        raise fail("CFG-002", folder / RESULTS, f"{why} apply another")


def _measured_with(results: Json) -> Json:
    """The settings of ``Measures`` that the results tell; those written before they told all, one alone."""
    about, disease = (_section(results, name) for name in ("about", "disease"))
    found = _section(about, "measured") or {"equivalence_margin": _section(disease, "effects").get("margin")}
    return {k: v for k, v in found.items() if k in Measures.model_fields and isinstance(v, (int, float))}


def _section(found: Json, name: str) -> Json:
    section = found.get(name)
    return section if isinstance(section, dict) else {}


def _results_in(folder: Path) -> Json:
    path = folder / RESULTS
    if not path.is_file():
        raise fail("DATA-011", path, "nothing has been measured yet: 'tlesynth evaluate' does")
    results = durable.read_json(path, "DATA-001")
    if not isinstance(results, dict):
        raise fail("DATA-001", path, "it holds no sections by name: 'tlesynth evaluate' writes it anew")
    return results
