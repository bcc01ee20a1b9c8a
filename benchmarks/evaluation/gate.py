"""Does the privacy gate refuse a generator that knows twelve people by heart, and pass one that was trained properly?

Both denoisers draw through the same autoencoder, the same subjects under the same conditions. The one is the run's own;
the other is trained here, on the latents of a few of its training scans, for as many steps as it takes to learn them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from enlarging import in_proportion
from machine import publish, tell
from timing import Load

from tlesynth import durable, recipe
from tlesynth.data.cohort import Cohort, read_cohort, volumes_in
from tlesynth.data.splits import read_splits
from tlesynth.diffusion.train import train_diffusion
from tlesynth.errors import TlesynthError
from tlesynth.evaluation.measure import Measured
from tlesynth.evaluation.privacy import ModelFolders, privacy
from tlesynth.evaluation.radiomics import radiomic_features
from tlesynth.evaluation.sections import Inputs, Intervals
from tlesynth.metrics.statistics import Json
from tlesynth.privacy.closeness import company_of
from tlesynth.privacy.drawing import drawn
from tlesynth.privacy.gate import CERTIFICATE, PASSED
from tlesynth.progress import track
from tlesynth.recipe import Recipe
from tlesynth.synthesis.cohort import sample_cohort
from tlesynth.synthesis.guard import HELD_OUT as GUARDS
from tlesynth.synthesis.guard import guard_of
from tlesynth.synthesis.requests import Wish, subjects_of
from tlesynth.synthesis.synthesizer import Synthesizer, synthesizer_of
from tlesynth.volume import read_on

ABOUT = "the privacy gate on a generator overfitted on a few subjects, and on the run's own"
REFUSAL = "PRIV-010"
SPACES = ("voxel", "latent", "embedding")
FEWER = (8, 12, 20, 40)
"""Held-out scans that a lab may have."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="finished run: autoencoder, latents, diffusion")
    parser.add_argument("--work", type=Path, required=True, help="folder for the second denoiser and both cohorts")
    parser.add_argument("--subjects", type=int, default=12, help="that the second denoiser learns by heart")
    parser.add_argument("--steps", type=int, default=3000, help="of its training")
    parser.add_argument("--n", type=int, default=48, help="volumes drawn from each, half of them patients")
    parser.add_argument("--set", nargs="*", default=[], metavar="A.B=C", help="of the run's recipe")


def run(given: argparse.Namespace, out: Path) -> None:
    """Train the second denoiser, draw from both, judge both, publish; what lies in ``--work`` is kept."""
    folder, loaded = given.run_folder, recipe.load(given.run_folder / "recipe.yaml", given.set)
    few, told = given.work / "few.tsv", durable.read_table(folder / "splits.tsv")
    cohort = read_cohort(folder / "derivatives")
    durable.write_table(few, few_trained(told, cohort.participants, given.subjects))
    with Load() as load:
        by_heart(folder, few, given.work / "diffusion", loaded, given.steps)
        sides = {
            "overfitted": _judged(folder, few, given.work / "diffusion", given.work / "overfitted", loaded, given.n),
            "proper": _judged(
                folder, folder / "splits.tsv", folder / "diffusion", given.work / "proper", loaded, given.n
            ),
        }
    met = sides["overfitted"]["gate"]["refused"] and sides["proper"]["gate"]["verdict"] == PASSED
    how = {"grid": cohort.grid.name, "subjects": given.subjects, "load": load.result()}
    publish("gate", {"definitions": DEFINITIONS, "met": bool(met)} | sides | how, out)


DEFINITIONS = {
    "gate": "what the gate of `tlesynth sample` said: `refused` is exit status 9, `dropped` the copies it withheld; "
    "`nearer_to_training` what it found of all that stand, beside gen_train, val and audit_holdout",
    "nearer": "share of all drawn volumes (copies too) nearer to a training scan than to one of as many unseen scans",
    "membership": "AUC with which the model's error on a scan tells training from unseen scans; 0.5 is not at all",
}


def few_trained(splits: pd.DataFrame, participants: pd.DataFrame, n: int) -> pd.DataFrame:
    """The same splits with only ``n`` scans left to train on, groups and sides in proportion; the others are unseen."""
    training = participants.loc[splits.loc[splits["split"] == "gen_train", "participant_id"]]
    kept = in_proportion(training, ["group", "side"], n)
    spared = (splits["split"] == "gen_train") & ~splits["participant_id"].isin(kept)
    return splits.assign(split=splits["split"].mask(spared, "audit_holdout"))


def by_heart(folder: Path, splits: Path, out: Path, loaded: Recipe, steps: int) -> None:
    """Train the run's denoiser on the few of ``splits``, without mirrored copies, to the last step."""
    settings = loaded.diffusion.model_copy(
        update={
            "steps": steps,
            "batch_size": min(loaded.diffusion.batch_size, 12),
            "flip": False,
            "latents": "mean",
            "validate_every": steps,  # the weights that are best on new scans are those that learnt least by heart
            "patience": 0,
            "accept_failed_gate": True,
        }
    )
    machine = {"seed": loaded.seed, "device": loaded.device, "precision": loaded.precision}
    train_diffusion(folder / "latents", splits, out, settings, **machine)


def _judged(folder: Path, splits: Path, diffusion: Path, out: Path, loaded: Recipe, n: int) -> Json:
    """Draw a cohort, measure all of it, then hold it against the gate, which takes its copies away."""
    settings = loaded.sample.model_copy(update={"n_hc": n - n // 2, "n_tle": n // 2, "tuned": False})
    models = synthesizer_of(
        folder / "autoencoder" / "model",
        diffusion / "model",
        settings,
        seed=loaded.seed,
        device=loaded.device,
        inference=loaded.inference,
    )
    audited, name = out.with_suffix(".json"), out.name
    if not audited.is_file():
        tell(f"{name}: drawing {n}")
        sample_cohort(models, subjects_of(Wish(), settings, models.diffusion), out)
        durable.write_json(audited, _audited(folder, diffusion, out, splits, loaded))
    told = gate_of(models, settings, folder / "derivatives", splits, out, loaded)
    told["fewer_held_out"] = fewer_held_out(folder / "derivatives", splits, out, loaded.seed)
    return summed_up(told, durable.read_json(audited)) | {"training": learnt(diffusion)}


def fewer_held_out(derivatives: Path, splits: Path, out: Path, seed: int) -> Json:
    """The gate's look at the whole cohort in ``out`` had there been fewer held-out scans."""
    real = read_cohort(derivatives)
    members, made = read_splits(splits, real.ids), sorted(volumes_in(out))
    held_out = drawn([i for split in GUARDS for i in members[split]], max(FEWER), real.participants, seed, "fewer")
    found = {}
    for n in FEWER:
        company = company_of(real, members["gen_train"], held_out[:n], seed)
        volumes = (read_on(path, real.grid) for path in made)
        found[str(n)] = company.closeness(volumes, real.grid, len(made))
    return {n: {name: one[name] for name in ("share", "p", "not_computed") if name in one} for n, one in found.items()}


def _audited(folder: Path, diffusion: Path, synthetic: Path, splits: Path, loaded: Recipe) -> Json:
    """The section ``privacy`` of an evaluation, of the two cohorts alone."""
    folders = ModelFolders(
        folder / "autoencoder" / "model", diffusion / "model", folder / "latents", loaded.device, loaded.inference
    )
    real, made = read_cohort(folder / "derivatives"), read_cohort(synthetic)
    members = read_splits(splits, real.ids)
    split_of = {i: split for split, ids in members.items() for i in ids}
    measured = _figures(real, split_of, made)
    inputs = Inputs(real, None, made, members)
    return privacy(inputs, measured, splits, folders, loaded.privacy, Intervals(loaded.evaluation, loaded.seed))


def _figures(real: Cohort, split_of: dict[str, str], made: Cohort) -> Measured:
    """Radiomic figures of all scans: all that the audit asks of what is measured."""
    scans = [(real, i, split_of[i]) for i in real.ids if i in split_of] + [(made, i, "synthetic") for i in made.ids]
    found = [radiomic_features(c.volume(i), c.grid) for c, i, _ in track(scans, "measuring", len(scans))]
    table = pd.DataFrame({"participant_id": [i for _, i, _ in scans], "split": [split for *_, split in scans]})
    table["cohort"] = ["synthetic" if cohort is made else "real" for cohort, *_ in scans]
    return Measured(table, np.array(found))


def gate_of(
    models: Synthesizer, settings: recipe.Sample, derivatives: Path, splits: Path, out: Path, loaded: Recipe
) -> Json:
    """The certificate of a cohort that stands and was not compared yet, with ``refused``."""
    guard = guard_of(derivatives, splits, loaded.privacy.model_copy(update={"gate": "refuse"}), loaded.seed)
    refused = False
    try:
        sample_cohort(models, subjects_of(Wish(), settings, models.diffusion), out, guard=guard)
    except TlesynthError as error:
        if error.code != REFUSAL:
            raise
        refused = True
    return durable.read_json(out / CERTIFICATE) | {"refused": refused}


def summed_up(certificate: Json, audit: Json) -> Json:
    """What stands in the JSON file of one side."""
    calibration = certificate.get("calibration", {})
    return {
        "gate": {
            "verdict": certificate["verdict"],
            "refused": certificate["refused"],
            "drawn": certificate.get("drawn"),
            "dropped": certificate.get("copies"),
            "share": certificate.get("share"),
            "most_copies": certificate.get("most_copies"),
            "chance": certificate.get("chance"),
            "nearer_to_training": certificate.get("nearer_to_training"),
            "most_nearer": certificate.get("most_nearer"),
            "fewer_held_out": certificate.get("fewer_held_out"),
            "threshold": calibration.get("threshold"),
            "false_alarms": calibration.get("false_alarms"),
            "training_scans": certificate.get("training_scans"),
            "planted_recall": {k: v["value"] for k, v in certificate.get("planted_recall", {}).items()},
        },
        "repeated_training_scans": audit["copies"].get("repeated_training_scans", audit["copies"]),
        "nearer": {space: _nearer(audit["nearest"][space]) for space in SPACES},
        "membership": {model: audit["membership"][model].get("auc") or audit["membership"][model] for model in MODELS},
    }


MODELS = ("denoiser", "autoencoder")


def _nearer(found: Json) -> Json:
    if "share" not in found:
        return found
    return found["share"] | {name: found[name]["median"] for name in ("nndr", "d1_over_d2")}


def learnt(diffusion: Path) -> dict[str, Any]:
    """Steps and errors at the end of a training."""
    return {k: durable.read_json(diffusion / "done.json").get(k) for k in ("steps", "best_step", "best_validation")}
