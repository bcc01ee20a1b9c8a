"""Which pretrained networks a run wants, and whether they are here: told before hours of work, not after.

The training's perceptual loss cannot do without its own; the evaluation leaves out what it has no weights for.
"""

from __future__ import annotations

from tlesynth import weights
from tlesynth.recipe import Recipe

MEASURES = {"alexnet": "LPIPS", "squeezenet1_1": "LPIPS by SqueezeNet", "inception-v3": "FID and KID"}
"""What the evaluation computes only where these weights are here."""
WITHOUT = "--set autoencoder.perceptual=ssim3d"


def perceptual_weights(recipe: Recipe) -> str | None:
    """The network that the autoencoder's perceptual loss asks; none where it asks none."""
    loss = recipe.autoencoder.perceptual
    return weights.TRUNKS[loss.removeprefix("lpips-")] if loss.startswith("lpips-") else None


def require_perceptual(recipe: Recipe) -> None:
    """Refuse a run whose perceptual loss has no weights here.

    Raises:
        TlesynthError: WTS-001 with the command that fetches them.
    """
    if name := perceptual_weights(recipe):
        weights.find(name)


def weights_rows(recipe: Recipe) -> dict[str, str]:
    """What a plan says of them: of the training's, and of those that the evaluation would use."""
    here, wanted = weights.available(), perceptual_weights(recipe)
    rows = {}
    if wanted:
        state = "here" if wanted in here else f"MISSING, the run is refused: {weights.command(wanted)} (or {WITHOUT})"
        rows["perceptual loss"] = f"{recipe.autoencoder.perceptual}, weights of {wanted} {state}"
    missing = [f"{measured} ({weights.command(name)})" for name, measured in MEASURES.items() if name not in here]
    return rows | {"not measured": ", ".join(missing) + ": weights missing"} if missing else rows
