"""``predict``: what trained classifiers say of new scans."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tlesynth.cli.options import AsJson, OwnDevice, graceful, result
from tlesynth.errors.statuses import SOME_FAILED


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Classifier: its model folder, or its run folder.")],
    scans: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="Folder that preprocess wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("predictions"),
    more: Annotated[
        list[Path] | None, typer.Option("--also", help="Another classifier that judges with it; may be repeated.")
    ] = None,
    figures: Annotated[bool, typer.Option(help="A picture a scan: which places made the probability.")] = True,
    device: OwnDevice = "auto",
    as_json: AsJson = False,
) -> None:
    """Judge new scans: a probability with its interval each, whether the scan is unlike the training ones, a picture.

    Research use only: not a medical device, not for diagnosis. A scan that cannot be judged gets
    a row that says why, and the exit status is 4.

    Example: tlesynth predict run/classifier/real derivatives --out predictions
    """
    from tlesynth.classifier.prediction_folder import require_readable, require_writable

    models = [model, *(more or [])]
    require_writable(out)
    require_readable(models)  # before torch, which takes long to load

    from tlesynth.classifier.prediction import TABLE, predict_scans
    from tlesynth.classifier.saliency_figure import BANNER

    with graceful():
        found = predict_scans(models, scans, out, device=device, figures=figures)
    result({"predictions": str(out / TABLE), **asdict(found), "note": BANNER}, as_json)
    if found.failed:
        raise typer.Exit(SOME_FAILED)
