"""Which number of steps and which guidance scale to sample with: swept on the validation latents, the cheapest taken.

Guidance trades diversity for class; few steps trade accuracy for time. Each pair draws the same subjects from the same
noise, with the conditions of the validation scans and of their mirror images where the model learnt from such, and is
scored by the energy distance of ``scoring``. Of the pairs that lie no more than one standard error of the difference
behind the best, the one with the fewest network passes is taken.
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
from tlesynth.diffusion.scoring import BOX, Score, floor, score
from tlesynth.errors import fail
from tlesynth.progress import track
from tlesynth.recipe import Sample, Tune
from tlesynth.seeds import generator, torch_generator
from tlesynth.training import fabric_for

NAME = "tuned.json"
MEANING = {
    "score": f"energy distance to the validation latents, averaged over boxes of {BOX} voxels: 0 if distributed alike",
    "error": "standard error of how far a pair lies behind the best, conditions and validation scans as given",
    "choice": "the fewest passes no more than one error behind the least distance",
}


@dataclass(frozen=True)
class Pair:
    """A way to sample, its score and its cost."""

    steps: int
    guidance: float
    distance: float | None
    """None where what it draws is not finite."""
    error: float | None
    """The standard error of how far it lies behind the best pair."""
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
    if min(len(rows), len(unseen)) < 2:
        raise fail("DATA-010", splits, "tune needs at least two scans in gen_train and in val")
    fitted, held_out = (read_latents(latents, some, model.conditions, flip=model.flip) for some in (rows, unseen))
    views = len(held_out) // len(unseen)
    told = _twice(held_out.conditions, settings.n).to(target)
    grid = [(steps, scale) for scale in settings.guidance for steps in settings.steps]
    how = Plan(model.process, sampler=sample.sampler, guidance_interval=sample.guidance_interval)
    plans = [replace(how, steps=steps, guidance=scale) for steps, scale in grid]
    drawn = (_drawn(model, told, plan, seed) for plan in track(plans, "tuning", len(plans)))
    scores = [score(one, held_out.values, views) if torch.isfinite(one).all() else None for one in drawn]
    pairs = compared(plans, scores)
    found = {
        "model": model.fingerprint,
        "sampler": sample.sampler,
        "guidance_interval": list(sample.guidance_interval),
        "chosen": vars(chosen(pairs)),
        "pairs": [vars(pair) for pair in pairs],
        "n": settings.n,
        "floor": floor(fitted.values, held_out.values, settings.n, generator(seed, "tune", "floor"), views=views),
        "validation_scans": len(unseen),
    }
    durable.write_json(diffusion.parent / NAME, found | MEANING)
    return found | MEANING


def compared(plans: Sequence[Plan], scores: Sequence[Score | None]) -> list[Pair]:
    """Each plan with its score, where it has one, and the error of its difference to the best.

    Raises:
        TlesynthError: NUM-006 if none has a score.
    """
    known = [one for one in scores if one is not None]
    if not known:
        raise fail("NUM-006", "tune", "no pair of steps and guidance gave finite latents")
    best = min(known, key=lambda one: one.distance)
    measured = [(None, None) if one is None else (one.distance, one.error(best)) for one in scores]
    return [
        Pair(plan.steps, plan.guidance, distance, error, plan.passes)
        for plan, (distance, error) in zip(plans, measured, strict=True)
    ]


def chosen(pairs: Sequence[Pair]) -> Pair:
    """The cheapest pair no more than its error behind the least distance; of equally cheap ones the nearest."""
    known = {pair: pair.distance for pair in pairs if pair.distance is not None}
    least = min(known.values())
    near = [pair for pair in known if known[pair] - least <= (pair.error or 0)]
    return min(near, key=lambda pair: (pair.passes, known[pair]))


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


def _twice(conditions: torch.Tensor, n: int) -> torch.Tensor:
    """``n`` rows of ``conditions`` (N, K), evenly from first to last, each two times in turn: mirrored ones half."""
    return conditions[torch.arange(n) // 2 * 2 * len(conditions) // n]


def _drawn(model: Diffusion, told: torch.Tensor, plan: Plan, seed: int) -> torch.Tensor:
    """Latents (B, C, X, Y, Z) under ``told`` (B, K), a subject's noise the same for every plan."""
    interruption.check()
    noise = [torch_generator(seed, "tune", i) for i in range(len(told))]
    return sample_latents(model.network, told, model.latent_shape, noise, plan).latents
