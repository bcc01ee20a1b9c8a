"""Settings that make no sense together are refused with words; the defaults and each good combination stand."""

from typing import Any

import pytest
from pydantic import ValidationError

from tlesynth.recipe import Preprocess

COMMAND = "mri_synthstrip -i {input} -m {mask}"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"tissue": "atropos", "vbm": True, "mode": "nonlinear", "vbm_fwhm_mm": 6},
        {"mode": "nonlinear"},
        {"brain_mask": "command", "brain_mask_command": COMMAND},
        {"source": "cat12", "import_kind": "smoothed-gm"},
        {"denoise": "nlm", "n4_twice": True, "subject_seconds": 0},
    ],
)
def test_what_fits_together_is_taken(settings: dict[str, Any]) -> None:
    Preprocess(**settings)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"vbm": True}, "set tissue: atropos"),
        ({"n4": False, "n4_twice": True}, "n4_twice needs n4"),
        ({"brain_mask": "command"}, "needs brain_mask_command"),
        ({"brain_mask_command": COMMAND}, "only run with brain_mask: command"),
        ({"brain_mask": "command", "brain_mask_command": "tool {input}"}, "must hold"),
        ({"brain_mask": "command", "brain_mask_command": "tool '{input} {mask}"}, "quotation"),
        ({"source": "cat12", "grid": "mni-3mm"}, "needs grid: mni-1.5mm"),
        ({"source": "cat12", "mode": "nonlinear"}, "registers and segments nothing"),
        ({"import_kind": "gm"}, "only read with source: cat12"),
        ({"subject_seconds": -1}, "greater than"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Preprocess(**settings)
