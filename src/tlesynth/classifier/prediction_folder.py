"""The folders of a prediction: whose the one it writes is, and whether those of its classifiers are whole.

Nothing here loads torch, so that what can be refused is refused at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tlesynth import __version__, durable
from tlesynth.errors import TlesynthError

TABLE, SIDECAR, FIGURES = "predictions.tsv", "predictions.json", "figures"
OURS = "tlesynth"


def generated_by() -> list[dict[str, str]]:
    """What the sidecar says of its maker (BIDS), by which the folder is known again."""
    return [{"Name": OURS, "Version": __version__}]


def require_writable(out: Path) -> None:
    """Refuse to write predictions into somebody else's files; earlier ones of ours are replaced.

    Raises:
        TlesynthError: CFG-005 if ``out`` is a file, or holds anything but an earlier prediction.
    """
    durable.require_own(out, own=_is_ours(out / SIDECAR), otherwise=", and no prediction made what it holds")


def require_readable(models: list[Path]) -> None:
    """Check the manifest of every classifier's folder.

    Raises:
        TlesynthError: MOD-004 if one holds no classifier or a file of it is missing or changed.
    """
    for folder in models:
        durable.verify(model_in(folder), "MOD-004")


def model_in(folder: Path) -> Path:
    """The model folder that ``folder`` is, or that the run in ``folder`` holds."""
    inner = folder / "model"
    return inner if (inner / "config.json").is_file() and not (folder / "config.json").is_file() else folder


def _is_ours(sidecar: Path) -> bool:
    try:
        told: Any = durable.read_json(sidecar)
        return told["GeneratedBy"][0]["Name"] == OURS
    except (TlesynthError, LookupError, TypeError):
        return False
