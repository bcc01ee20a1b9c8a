"""Which number of steps and which guidance scale to sample with: swept on the validation latents, the cheapest taken.

Guidance trades diversity for class; few steps trade accuracy for time. Each pair draws the same subjects from the same
noise, with the conditions of the validation scans, and is scored by the distance of ``scoring``. Of the pairs within
``TOLERANCE`` of the best the one with the fewest network passes is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tlesynth import durable, interruption
from tlesynth.diffusion.latents import read_about, read_latents, rows_of
from tlesynth.diffusion.model import Diffusion, load_diffusion
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.diffusion.scoring import Ruler, ruler_of
from tlesynth.errors import fail
from tlesynth.progress import track
from tlesynth.recipe import Sample, Tune
from tlesynth.seeds import generator, torch_generator
from tlesynth.training import fabric_for

TOLERANCE = 0.02
NAME = "tuned.json"


@dataclass(frozen=True)
class Pair:
    """A way to sample, its score and its cost."""

    steps: int
    guidance: float
    distance: float | None
    """None where what it draws is not finite."""
    passes: int
    """Network passes a subject."""


def tune(
    diffusion: Path, latents: Path, splits: Path, settings: Tune, sample: Sample, *, seed: int, device: str
) -> dict[str, Any]:
    """Sweep, write ``tuned.json`` beside the model folder, and return what it says.

    Of ``sample`` the sampler and the interval in which guidance acts are taken, as they are.

    Raises:
        TlesynthError: CKP-001 or MOD-004 for an unusable model, CKP-009 if the latents are another autoencoder's, DATA
            codes for missing or unfitting input, CFG-002 for a sampler that does not fit, NUM-006 if nothing drawn is
            finite, OPS-075 after a stop request.
    """
    model = load_diffusion(diffusion, read_about(latents)["autoencoder"])
    target = fabric_for(device, "32-true").device
    model.network.to(target)
    rows, unseen = (rows_of(latents, splits, split) for split in ("gen_train", "val"))
    if len(unseen) < 2:
        raise fail("DATA-010", splits, "tune needs at least two scans in val")
    fitted, held_out = (read_latents(latents, some, model.conditions, flip=model.flip) for some in (rows, unseen))
    ruler = ruler_of(fitted, held_out)
    told = held_out.conditions[torch.arange(settings.n) % len(held_out)].to(target)
    grid = [(steps, scale) for scale in settings.guidance for steps in settings.steps]
    how = Plan(model.process, sampler=sample.sampler, guidance_interval=sample.guidance_interval)
    pairs = [
        _score(model, ruler, told, replace(how, steps=steps, guidance=scale), seed)
        for steps, scale in track(grid, "tuning", len(grid))
    ]
    found = {
        "model": model.fingerprint,
        "sampler": sample.sampler,
        "guidance_interval": list(sample.guidance_interval),
        "chosen": vars(chosen(pairs)),
        "pairs": [vars(pair) for pair in pairs],
        "n": settings.n,
        "floor": ruler.floor(settings.n, generator(seed, "tune", "floor")),
        "validation_scans": len(unseen),
        "score": "Frechet distance to the validation latents in principal components of the training latents",
    }
    durable.write_json(diffusion.parent / NAME, found)
    return found


def chosen(pairs: Sequence[Pair]) -> Pair:
    """The cheapest pair within ``TOLERANCE`` of the least distance; of equally cheap ones the nearest.

    Raises:
        TlesynthError: NUM-006 if none has a distance.
    """
    known = {pair: pair.distance for pair in pairs if pair.distance is not None}
    if not known:
        raise fail("NUM-006", "tune", "no pair of steps and guidance gave finite latents")
    bound = min(known.values()) * (1 + TOLERANCE)
    return min((pair for pair in known if known[pair] <= bound), key=lambda pair: (pair.passes, known[pair]))


def read_tuned(diffusion: Path, fingerprint: str) -> dict[str, Any] | None:
    """How ``tune`` chose to sample the model in this folder; None if it never ran for these weights.

    The sampler, its steps, the guidance and its interval, by the names they have in the recipe.
    """
    path = diffusion.parent / NAME
    if not path.is_file():
        return None
    found = durable.read_json(path)
    if found.get("model") != fingerprint:
        return None
    kept = {name: found["chosen"][name] for name in ("steps", "guidance")}
    return kept | {"sampler": found["sampler"], "guidance_interval": tuple(found["guidance_interval"])}


def _score(model: Diffusion, ruler: Ruler, told: torch.Tensor, plan: Plan, seed: int) -> Pair:
    interruption.check()
    noise = [torch_generator(seed, "tune", i) for i in range(len(told))]
    drawn = sample_latents(model.network, told, model.latent_shape, noise, plan).latents
    distance = ruler.distance(drawn) if bool(torch.isfinite(drawn).all()) else None
    return Pair(plan.steps, plan.guidance, distance, plan.passes)
