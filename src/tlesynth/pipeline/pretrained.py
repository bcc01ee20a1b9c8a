"""Which pretrained networks a run wants, and whether they are here: told before hours of work, not after.

A perceptual loss and a classifier that starts from ImageNet cannot do without theirs; the evaluation leaves out what it
has no weights for.
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


def classifier_weights(recipe: Recipe) -> str | None:
    """The network whose ImageNet weights the classifier starts from; none where it starts from its own."""
    wanted = recipe.classifier.kind == "efficientnet" and recipe.classifier.pretrained
    return "efficientnetv2-s" if wanted else None


def require_weights(recipe: Recipe) -> None:
    """Refuse a run that needs weights which are not here.

    Raises:
        TlesynthError: WTS-001 with the command that fetches them.
    """
    for name in (perceptual_weights(recipe), classifier_weights(recipe)):
        if name:
            weights.find(name)


def weights_rows(recipe: Recipe) -> dict[str, str]:
    """What a plan says of them: of the training's, and of those that the evaluation would use."""
    here, rows = weights.available(), {}
    if wanted := perceptual_weights(recipe):
        state = "here" if wanted in here else f"MISSING, the run is refused: {weights.command(wanted)} (or {WITHOUT})"
        rows["perceptual loss"] = f"{recipe.autoencoder.perceptual}, weights of {wanted} {state}"
    if wanted := classifier_weights(recipe):
        state = "here" if wanted in here else f"MISSING, the run is refused: {weights.command(wanted)}"
        rows["classifier's start"] = f"ImageNet, weights of {wanted} {state}"
    missing = [f"{measured} ({weights.command(name)})" for name, measured in MEASURES.items() if name not in here]
    return rows | {"not measured": ", ".join(missing) + ": weights missing"} if missing else rows
