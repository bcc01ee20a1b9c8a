"""Which latents a diffusion model may be trained on: those of an autoencoder that passed its quality gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tlesynth.errors import fail
from tlesynth.progress import say

PASSED, FAILED, UNJUDGED, OVERRULED = "passed", "failed", "not judged", "failed, accepted by the recipe"


def admit(about: dict[str, Any], folder: Path, *, accept_failed_gate: bool) -> str:
    """How the autoencoder of latents described by ``about`` stands: passed, not judged, or failed and accepted.

    What is not judged is told; an autoencoder made before there was a gate is no proof of a bad one.

    Raises:
        TlesynthError: MOD-005 if it failed and the recipe does not say ``diffusion.accept_failed_gate: true``.
    """
    gate = about.get("gate") or {"verdict": UNJUDGED, "reasons": [], "loosened": []}
    if gate["verdict"] == FAILED:
        reasons = "; ".join(gate["reasons"])
        if not accept_failed_gate:
            older = (
                "" if "figures" in gate else " (latents of an older version: other limits count once encode ran again)"
            )
            raise fail("MOD-005", folder, reasons + older)
        say(f"the autoencoder failed its quality gate ({reasons}); the recipe accepts that")
        return OVERRULED
    if gate["verdict"] != PASSED:
        why = "the gate could measure nothing" if about.get("gate") else "it was made without the quality gate"
        say(f"the autoencoder of these latents was never judged: {why}. 'train autoencoder' on its run judges it.")
        return UNJUDGED
    if gate["loosened"]:
        say(f"the autoencoder passed its quality gate with looser limits: {', '.join(gate['loosened'])}")
    return PASSED
