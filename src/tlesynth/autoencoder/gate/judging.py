"""The quality gate at the end of training: held-out scans examined, a verdict that travels with the model.

::

    gate.json     verdict, reasons, limits, every figure with its interval, channels, spectrum; precision and tiles
    gate.tsv      a row per scan
    held_out/     reconstructions of the worst and the best scans, for the page

Scans are encoded and decoded as encoding and sampling will do it, in the recipe's precision and tiles. Limits may
change after training: the figures stay, and the verdict is given anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tlesynth import __version__, durable
from tlesynth.autoencoder.gate.examination import Examination, examine
from tlesynth.autoencoder.gate.verdict import PASSED, carried, figures, judge
from tlesynth.autoencoder.inference import about_of
from tlesynth.autoencoder.model import attach_gate, load_autoencoder, read_fingerprint
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.autoencoder.scans import JUDGED, participants_of
from tlesynth.data.cohort import Cohort, CohortWriter
from tlesynth.progress import say
from tlesynth.recipe import Gate, Inference
from tlesynth.training import fabric_for

REPORT, TABLE, SHOWN = "gate.json", "gate.tsv", "held_out"
WHOLE = {"run": about_of(Inference(), torch.device("cpu"))}
"""How the gate ran the autoencoder before it said so."""


def pass_gate(
    run: Path,
    network: Autoencoder,
    cohort: Cohort,
    splits: Path,
    limits: Gate,
    *,
    seed: int,
    inference: Inference | None = None,
) -> dict[str, Any]:
    """Examine ``network`` on the held-out scans, write the gate's files into ``run``, and return what a model carries.

    From then on it encodes and decodes as ``inference`` wants it, which is how it is examined.

    Raises:
        TlesynthError: DATA codes if the splits do not fit, NII codes for an unreadable volume, OPS-075 after a stop
            request.
    """
    training = network.training
    ids = _examined(cohort, splits, limits)
    found = examine(network.eval().run_as(inference or Inference()), cohort, ids)
    network.train(training)
    _write_shown(run / SHOWN, found, cohort, network.fingerprint)
    durable.write_table(run / TABLE, found.scans.round(6))
    about: dict[str, Any] = {"tlesynth": __version__, "autoencoder": network.fingerprint, "grid": cohort.grid.name}
    about |= {"split": JUDGED, "scans": len(ids), "shown": list(found.shown), "run": network.run_about}
    return _publish(run, about | figures(found, seed), limits)


def pass_gate_again(
    run: Path,
    cohort: Cohort,
    splits: Path,
    limits: Gate,
    *,
    seed: int,
    device: str,
    inference: Inference | None = None,
) -> None:
    """Bring the verdict of a finished run up to date: with other limits, or where an older version left none.

    Scans are only looked at again where ``limits`` asks for another number of them, or ``inference`` runs them
    otherwise.

    Raises:
        TlesynthError: MOD-004 or CKP-001 for an unusable model, and what ``pass_gate`` raises.
    """
    model, report = run / "model", run / REPORT
    known = WHOLE | durable.read_json(report, "CKP-001") if report.is_file() else {}
    place, inference = fabric_for(device, "32-true").device, inference or Inference()
    same_scans = known.get("scans") == len(_examined(cohort, splits, limits))
    same_run = known.get("run") == about_of(inference, place)
    if same_scans and same_run and known.get("autoencoder") == read_fingerprint(model):
        gate = _publish(run, known, limits)
    else:
        network = load_autoencoder(model, place)
        gate = pass_gate(run, network, cohort, splits, limits, seed=seed, inference=inference)
    attach_gate(model, gate)


def _examined(cohort: Cohort, splits: Path, limits: Gate) -> list[str]:
    """Who is examined: the first held-out participants by identifier."""
    return sorted(participants_of(cohort, splits, JUDGED))[: limits.scans]


def _publish(run: Path, found: dict[str, Any], limits: Gate) -> dict[str, Any]:
    """Judge, tell, write gate.json; return the part that goes with the model."""
    verdict = judge(found["figures"], limits)
    durable.write_json(run / REPORT, found | verdict)
    _tell(verdict, found["scans"])
    return {key: found[key] for key in ("split", "scans", "run")} | carried(verdict, found["figures"])


def _tell(verdict: dict[str, Any], scans: int) -> None:
    say(f"quality gate: {verdict['verdict']} on {scans} held-out scan{'' if scans == 1 else 's'}")
    for reason in verdict["reasons"]:
        say(f"  {reason}")
    unsure = [row["words"] for row in verdict["limits"] if row["unsure"]]
    if unsure and verdict["verdict"] == PASSED:
        say(f"  not certain with so few scans: {', '.join(unsure)}")


def _write_shown(folder: Path, found: Examination, cohort: Cohort, fingerprint: str) -> None:
    about = "Held-out scans encoded to the posterior mean and decoded: the worst and the best of the quality gate"
    with durable.publishing(folder) as new:
        writer = CohortWriter(new, cohort.grid, "reconstruction", "Reconstructions of the quality gate", about)
        for participant_id, voxels in found.shown.items():
            writer.write(participant_id, voxels, {"Autoencoder": fingerprint})
        writer.finish(cohort.participants.loc[list(found.shown), ["group", "side"]])
