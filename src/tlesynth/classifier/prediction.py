"""What trained classifiers say of new scans: a table, a picture each, and a sidecar that says how to read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tlesynth import durable, interruption
from tlesynth.classifier.jury import Jury, jury_of
from tlesynth.classifier.novelty import false_alarms
from tlesynth.classifier.prediction_folder import FIGURES, SIDECAR, TABLE, generated_by, require_writable
from tlesynth.classifier.saliency_figure import BANNER, saliency_of, write_saliency
from tlesynth.data.grid_scans import grid_scans, read_grid_scan
from tlesynth.errors import TlesynthError, fail
from tlesynth.progress import say, track

COLUMNS = ("participant_id", "status", "probability", "low", "high", "called", "out_of_distribution", "distance")


@dataclass(frozen=True)
class Predicted:
    """How many scans were judged, flagged as unlike the training scans, and could not be judged."""

    judged: int
    flagged: int
    failed: int


def predict_scans(
    models: list[Path], scans: Path, out: Path, *, device: str = "cpu", figures: bool = True
) -> Predicted:
    """Judge every scan below ``scans`` and write ``out``/predictions.tsv, .json and, where asked, figures/.

    A scan that cannot be judged gets a row that says why; the others go on. An earlier prediction in ``out`` is
    replaced.

    Raises:
        TlesynthError: CFG-005 if ``out`` is a file or holds what no prediction made, MOD-004 or CFG-003 for the models,
            CFG-002 or RES-010 for the device, DATA-002, DATA-011, DATA-017 or NII-030 if ``scans`` is no
            folder of scans on their grid, RES-001 if ``out`` cannot be written, OPS-075 after a stop request.
    """
    out = Path(out)
    require_writable(out)
    jury = jury_of(models, device)
    found = grid_scans(scans, jury.grid)
    # The sidecar first: an interrupted prediction is known for ours, and keeps no table of the one before.
    durable.write_json(out / SIDECAR, _sidecar(jury))
    (out / TABLE).unlink(missing_ok=True)
    rows = list(_rows(jury, found, out, figures))
    table = pd.DataFrame(rows).reindex(columns=[*COLUMNS, *(["figure"] if figures else []), "note"])
    durable.write_table(out / TABLE, table)
    done = table["status"] == "done"
    return Predicted(int(done.sum()), int((table["out_of_distribution"] == "yes").sum()), int((~done).sum()))


def _rows(jury: Jury, found: dict[str, Path], out: Path, figures: bool) -> Iterator[dict[str, Any]]:
    for participant_id, path in track(found.items(), "predicting", len(found)):
        interruption.check()
        try:
            yield _row(jury, participant_id, path, out if figures else None)
        except TlesynthError as error:
            if error.code.startswith("RES"):
                raise  # a full disk is not this scan's fault
            yield _failed(participant_id, error)
        except (ValueError, RuntimeError, ArithmeticError, OSError) as error:
            yield _failed(participant_id, fail("OPS-001", path, f"{type(error).__name__}: {error}"))


def _row(jury: Jury, participant_id: str, path: Path, out: Path | None) -> dict[str, Any]:
    volume = read_grid_scan(path, jury.grid)
    said = jury.opinion(volume)
    row = {"participant_id": participant_id, "status": "done", "called": said.called}
    row |= {name: f"{asdict(said)[name]:.4f}" for name in ("probability", "low", "high", "distance")}
    row["out_of_distribution"] = "yes" if said.out_of_distribution else "no"
    if said.out_of_distribution:
        row["note"] = "unlike the training scans: do not rely on the probability"
    if out is not None:
        row["figure"] = f"{FIGURES}/{participant_id}.png"
        unlike = ", UNLIKE THE TRAINING SCANS" if said.out_of_distribution else ""
        probability = f"{said.probability:.2f} [{said.low:.2f}, {said.high:.2f}]"
        title = f"{participant_id}: probability of {jury.classes[1]} {probability}{unlike}"
        saliency = saliency_of(jury.attribution(volume), volume, jury.grid)
        write_saliency(out / row["figure"], volume, saliency, jury.grid, title, jury.classes)
    return row


def _failed(participant_id: str, error: TlesynthError) -> dict[str, Any]:
    say(str(error))
    return {"participant_id": participant_id, "status": "failed", "note": " ".join(str(error).split())}


def _sidecar(jury: Jury) -> dict[str, Any]:
    """What each column means, and what the classifiers are."""
    negative, positive = jury.classes
    few = min(member.config.n_val for member in jury.members)
    between = "the classifiers and of " if len(jury.members) > 1 else ""
    unaware = "" if len(jury.members) > 1 else ", not how another training would have ended"
    return {
        "Banner": BANNER,
        "GeneratedBy": generated_by(),
        "probability": f"calibrated probability of {positive} against {negative}, as common as in the validation scans",
        "low, high": f"95 % interval over {between}200 calibration curves fitted to resampled validation scans"
        f" (n = {few}): it says how well so few scans tell the probability{unaware}",
        "called": f"{positive} from a probability of {jury.threshold:.4f}, the threshold that was best on validation",
        "out_of_distribution": "yes where the distance is above 1; of scans like those of validation about "
        f"{100 * false_alarms(few):.0f} % are flagged",
        "distance": "distance of the scan's coarse picture from the training scans', over its threshold on validation",
        "figure": f"red: places that speak for {positive}, blue: for {negative}; they say what the classifier used, "
        "not where the disease is",
        "Classifiers": [_member(member.config.model_dump(mode="json")) for member in jury.members],
    }


def _member(config: dict[str, Any]) -> dict[str, Any]:
    told = ("arm", "grid", "n_train", "n_val", "steps", "best_step", "temperature", "youden_threshold")
    return {name: config["settings"][name] for name in ("kind", "task")} | {name: config[name] for name in told}
