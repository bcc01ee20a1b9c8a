"""Both sides of the cost, made once in a folder, and run folders of any size cut out of them."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from enlarging import enlarged, in_proportion, sources

from tlesynth import durable, recipe
from tlesynth.autoencoder.encode import encode_cohort
from tlesynth.data.cohort import Cohort, read_cohort, write_dataset_description, write_participants

RECIPE = "recommended"
MODELS = ("autoencoder", "diffusion")


@dataclass(frozen=True)
class Sides:
    """A real and a synthetic cohort of the largest size, with latents and reconstructions, in ``work``."""

    work: Path
    real: Cohort
    synthetic: Cohort
    splits: pd.DataFrame


def prepare(given: argparse.Namespace, most: int) -> Sides:
    """Make what is not there yet of both sides, ``most`` scans each."""
    cohort, splits = read_cohort(given.derivatives), durable.read_table(given.splits)
    split_of = sources(cohort, splits)
    people = cohort.participants.loc[list(split_of)].assign(split=pd.Series(split_of))
    ids = in_proportion(people, ["split", "group"], len(people))
    real = enlarged(cohort, ids, most, given.work / "real", seed=given.seed, prefix="sub-bent", own=True)
    inherited = [split_of[ids[place % len(ids)]] for place in range(most)]
    told = pd.DataFrame({"participant_id": real.ids, "split": inherited})
    durable.write_table(given.work / "splits.tsv", told)
    # Without a model's cohort the synthetic side is the training scans bent otherwise.
    drawn = read_cohort(given.synthetic) if given.synthetic else cohort
    own = [i for i in ids if split_of[i] == "gen_train"] if not given.synthetic else drawn.ids
    made = given.work / "synthetic"
    synthetic = enlarged(drawn, own, most, made, seed=given.seed + 1, prefix="sub-syn", own=bool(given.synthetic))
    encode_cohort(
        given.autoencoder,
        real.root,
        given.work / "splits.tsv",
        given.work / "latents",
        given.work / "reconstructions",
        device="cpu",
        inference=recipe.load(RECIPE).inference,
    )
    return Sides(given.work, real, synthetic, told)


def run_folder(sides: Sides, n: int, given: argparse.Namespace) -> Path:
    """A run folder with ``n`` of the scans of each side, made anew; the volumes are links."""
    out = sides.work / "runs" / str(n)
    if out.exists():
        shutil.rmtree(out)
    split_of = pd.Series(dict(zip(sides.splits["participant_id"], sides.splits["split"], strict=True)))
    people = sides.real.participants.assign(split=split_of)
    chosen = in_proportion(people, ["split", "group"], n)
    _part(sides.real, chosen, out / "derivatives")
    _part(sides.synthetic, in_proportion(sides.synthetic.participants, ["group", "side"], n), out / "synthetic")
    durable.write_table(out / "splits.tsv", sides.splits[sides.splits["participant_id"].isin(chosen)])
    durable.write_text(out / "recipe.yaml", recipe.dump(recipe.load(RECIPE, ["device=cpu", *given.set])))
    for name in ("latents", "reconstructions"):
        (out / name).symlink_to((sides.work / name).resolve())
    for name in MODELS:
        (out / name).mkdir()
        (out / name / "model").symlink_to(getattr(given, name).resolve())
    return out


def _part(cohort: Cohort, ids: list[str], out: Path) -> None:
    out.mkdir(parents=True)
    for name in ids:
        (out / name).symlink_to((cohort.root / name).resolve())
    write_participants(out, cohort.participants.loc[ids])
    write_dataset_description(out, "Part of an enlarged cohort", "derivative", "For a measurement of cost")
