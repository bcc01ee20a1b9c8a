"""What would this brain look like with, or without, the disease? One scan under other conditions, by the same noise.

The scan's latent is walked back to the noise it grows from under its own conditions, and grown again under those asked
for. What changes is compared with the scan's reconstruction, not with the scan: what the autoencoder loses is no
effect of the disease. A picture of what the model has learnt, not a prediction for a patient.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlesynth import durable, interruption
from tlesynth.data.anatomy import SIDES, hippocampus_radius
from tlesynth.data.cohort import Cohort, CohortWriter, read_cohort, volume_path
from tlesynth.data.hippocampus import hippocampi
from tlesynth.diffusion.conditions import Conditions
from tlesynth.diffusion.inversion import invert_latents, invertible
from tlesynth.diffusion.sampling import sample_from
from tlesynth.errors import fail
from tlesynth.locking import beside, holding
from tlesynth.progress import say, track
from tlesynth.synthesis.background import cleaned
from tlesynth.synthesis.place import require_place
from tlesynth.synthesis.requests import possible
from tlesynth.synthesis.synthesizer import Synthesizer
from tlesynth.volume import Grid, write

ABOUT = "T1 scans as the model draws the same brains under other conditions. No scan of a person."
MESIAL_RADIUS = 2.5
"""Radii of the hippocampal tube around its axis that count as mesial temporal lobe."""
TABLE, DIFFERENCES = "counterfactuals.tsv", "differences"

Volume = NDArray[np.float32]


@dataclass(frozen=True)
class Change:
    """What became of a brain; volumes in mm3 (MNI space), intensities on [0, 1]."""

    left_mm3: float | None
    right_mm3: float | None
    left_change_percent: float | None
    right_change_percent: float | None
    asymmetry_change: float | None
    """Of 200 (R - L) / (R + L), in points."""
    change_inside: float
    """Mean absolute difference in the mesial temporal lobes."""
    change_outside: float
    """The same in the rest of the brain."""
    identity: float
    """Correlation of reconstruction and counterfactual in the rest of the brain: 1 where only the lobes changed."""
    round_trip: float
    """Mean absolute difference in the brain after going there and back again."""


def counterfactuals(
    models: Synthesizer, cohort: Path, subjects: list[str], to: Mapping[str, str], given: Mapping[str, str], out: Path
) -> pd.DataFrame:
    """Write the counterfactual of each of ``subjects`` (all, if empty) of a preprocessed cohort to ``out``.

    ``to`` is what is asked for; conditions it does not name stay the scan's own, which are those of the cohort's
    participants.tsv and volumes.tsv unless ``given``. ``out`` becomes a cohort, with the difference to each scan's
    reconstruction under ``differences/`` and a row of ``Change`` for each in counterfactuals.tsv, which is returned.

    Where the sampler of ``models`` cannot be walked backwards, one of the same process that can takes its place.

    Raises:
        TlesynthError: CFG-011 for a condition the model does not know, DATA-022 for a subject that is not there,
            CFG-005 or CFG-010 if ``out`` holds anything else, NII-030 for another grid, NUM-006 for a scan of which
            nothing is left, OPS-010 if another process writes to ``out``, OPS-075 after a stop request.
    """
    source, models = read_cohort(cohort), _invertible(models)
    model = models.diffusion
    if source.grid != models.autoencoder.grid:
        raise fail("NII-030", cohort, f"on {source.grid.name}, the models on {models.autoencoder.grid.name}")
    if strange := [name for name in subjects if name not in source.ids]:
        raise fail("DATA-022", cohort, f"{strange[0]} is not in it")
    to, chosen = possible(to, model.conditions, "--to"), subjects or source.ids
    model.conditions.asked([to, dict(given)], "--to")
    writer = CohortWriter(out, source.grid, "counterfactual", "Counterfactual T1 cohort", ABOUT)
    with holding(out, beside(out)):
        require_place(writer, chosen, (TABLE, DIFFERENCES))
        return _write_all(models, source, chosen, (to, dict(given)), writer)


def _asked_of(models: Synthesizer, own: Mapping[str, str], to: Mapping[str, str]) -> dict[str, str]:
    """All that is asked of a scan with its ``own`` conditions: those of ``to``, and what these bring with them."""
    conditions, completion = models.diffusion.conditions, models.diffusion.completion
    asked = {**own, **to}
    if asked.get("group") == "hc":
        asked.pop("side", None)  # the healthy have none
    if completion is None:
        return asked
    before, after = conditions.asked([own, asked], "--to")
    moved = completion.moved(before, after, conditions)
    follow = [name for name in completion.drawn if name in own and name not in to]
    return asked | {name: conditions.word(name, moved) for name in follow}


def _invertible(models: Synthesizer) -> Synthesizer:
    drawn = models.settings.sampler
    sampler = invertible(models.diffusion.process, drawn)
    if sampler != drawn:
        say(f"{drawn} cannot be walked backwards: {sampler} asks what if")
    return replace(models, settings=models.settings.model_copy(update={"sampler": sampler}))


def _write_all(
    models: Synthesizer,
    source: Cohort,
    chosen: list[str],
    words: tuple[dict[str, str], dict[str, str]],
    writer: CohortWriter,
) -> pd.DataFrame:
    """The counterfactuals of the ``chosen``, under the conditions that ``words`` ask for and give."""
    out, rows, people = writer.root, {}, {}
    told, (to, given) = source.measured(), words
    for name in track(chosen, "asking what if", len(chosen)):
        interruption.check()
        own = _conditions_of(told.loc[name], models.diffusion.conditions) | given
        asked = _asked_of(models, own, to)
        rows[name] = _one(models, source, name, (own, asked), writer)
        people[name] = asked
    durable.write_text(out / ".bidsignore", f"{TABLE}\n{DIFFERENCES}\n")
    writer.finish(_participants(people))
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("participant_id").reset_index()
    durable.write_table(out / TABLE, table)
    return table


def change_of(before: Volume, after: Volume, back: Volume, grid: Grid) -> Change:
    """Compare a reconstruction, its counterfactual and the way back, each (X, Y, Z) on [0, 1]."""
    brain, lobes = before > 0, mesial_temporal(grid)
    difference = np.abs(after - before)
    outside = brain & ~lobes
    old, new = hippocampi(before, grid), hippocampi(after, grid)
    known = old is not None and new is not None
    return Change(
        left_mm3=old.left if old else None,
        right_mm3=old.right if old else None,
        left_change_percent=100 * (new.left / old.left - 1) if known else None,
        right_change_percent=100 * (new.right / old.right - 1) if known else None,
        asymmetry_change=new.asymmetry - old.asymmetry if known else None,
        change_inside=float(difference[brain & lobes].mean()),
        change_outside=float(difference[outside].mean()),
        identity=float(np.corrcoef(before[outside], after[outside])[0, 1]),
        round_trip=float(np.abs(back - before)[brain].mean()),
    )


def mesial_temporal(grid: Grid) -> NDArray[np.bool_]:
    """Where the mesial temporal lobes lie: around both hippocampal tubes (X, Y, Z)."""
    world = grid.world()
    return np.logical_or(*(hippocampus_radius(world, side) <= MESIAL_RADIUS for side in SIDES))


def _one(
    models: Synthesizer,
    source: Cohort,
    name: str,
    conditions: tuple[Mapping[str, str], Mapping[str, str]],
    writer: CohortWriter,
) -> dict[str, Any]:
    """The counterfactual of one scan: written, and its row of the table."""
    own, asked = (models.diffusion.conditions.asked([told], name).to(models.device) for told in conditions)
    voxels = torch.from_numpy(source.volume(name)).to(models.device)
    latent = models.autoencoder.to_latents(voxels[None, None])  # (1, C, X, Y, Z)
    there = moved(models, latent, own, asked)
    here_again = moved(models, there, asked, own)
    before, after, back = (cleaned(models.decode(z[0])).voxels for z in (latent, there, here_again))
    if not (before.any() and after.any()):
        raise fail("NUM-006", name, "its reconstruction or its counterfactual is empty")
    change = asdict(change_of(before, after, back, source.grid))
    sidecar = {
        "Synthetic": True,
        "Counterfactual": {"From": dict(conditions[0]), "To": dict(conditions[1])},
        "ModelHash": models.diffusion.fingerprint,
        "AutoencoderHash": models.diffusion.autoencoder,
        "ScanSHA256": durable.sha256(source.volume_path(name)),
        "Sampler": models.plan.sampler,
        "Steps": models.plan.steps,
        "GuidanceScale": models.plan.guidance,
    }
    writer.write(name, after, sidecar | {"Change": change}, note="counterfactual")
    path = volume_path(writer.root / DIFFERENCES, name, source.grid, "counterfactual", "difference")
    note = "counterfactual minus reconstruction"
    write(path, after - before, source.grid.affine, description=note, dtype="float32", mni=True)
    return change


def moved(models: Synthesizer, latent: Tensor, own: Tensor, asked: Tensor) -> Tensor:
    """``latent`` (B, C, X, Y, Z) under the conditions ``asked`` instead of its ``own``, each (B, K).

    Guidance would not be undone on the way back, so the way back is plainly conditional. On the way there it leads away
    from the scan's own conditions, not from none: what is not asked to change is not exaggerated.
    """
    plan, network = models.plan, models.diffusion.network
    noise = invert_latents(network, latent, own, plan.without_guidance())
    return sample_from(network, noise, asked, plan, against=own).latents


def _conditions_of(row: pd.Series, conditions: Conditions) -> dict[str, str]:
    """What the cohort's tables say of a scan, as training told it: a number beyond its range is the range's end."""
    known = {}
    for item in conditions.items:
        number = item.of_scan(row.get(item.name))
        if not math.isnan(number):
            known[item.name] = item.decode(number)
    return known


def _participants(people: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict({name: dict(told) for name, told in people.items()}, orient="index")
    return table.reindex(columns=list(dict.fromkeys(["group", "side", *table.columns])))
