"""A baseline fitted to the training scans, and the cohort it draws."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tlesynth import durable
from tlesynth.autoencoder.model import load_autoencoder
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.data.cohort import read_cohort
from tlesynth.data.splits import read_splits
from tlesynth.diffusion.conditions import Conditions, conditions_of
from tlesynth.diffusion.latents import read_about, read_latents, rows_of
from tlesynth.diffusion.train import class_counts
from tlesynth.errors import fail
from tlesynth.recipe import Recipe
from tlesynth.synthesis.baselines.deformation import Deformation
from tlesynth.synthesis.baselines.pca import PcaGaussian, fit_pca
from tlesynth.synthesis.baselines.prior import Prior
from tlesynth.synthesis.cohort import Source, sample_cohort
from tlesynth.synthesis.guard import Guard
from tlesynth.synthesis.requests import of_recipe
from tlesynth.training import fabric_for

ABOUT = {
    "pca": "Synthetic T1-weighted brain MRI drawn from a Gaussian over latents. No scan of a person.",
    "prior": "Noise through an autoencoder's decoder. No scan of a person.",
    "deformation": "T1-weighted scans of training participants, bent at random: each is a person's.",
}


def write_baseline(
    kind: str, autoencoder: Path, latents: Path, derivatives: Path, splits: Path, out: Path, recipe: Recipe
) -> None:
    """Fit ``kind`` (pca, prior or deformation) to ``gen_train``, write as many subjects as the recipe's sample says.

    Raises:
        TlesynthError: CKP-009 if the latents are another autoencoder's, the codes of reading and of ``sample_cohort``.
    """
    rows = rows_of(latents, splits, "gen_train")
    settings = recipe.diffusion
    conditions = conditions_of(settings.conditions, rows, settings.unconditional, f"{latents.name}/index.tsv")
    subjects = of_recipe(recipe.sample, conditions, class_counts(rows))
    if kind == "deformation":
        cohort = read_cohort(derivatives)
        training = cohort.participants.loc[read_splits(splits, cohort.ids)["gen_train"]]
        source: Source = Deformation(cohort, training, recipe.seed)
    else:
        coder = load_autoencoder(autoencoder, fabric_for(recipe.device, "32-true").device).run_as(recipe.inference)
        if read_about(latents)["autoencoder"] != coder.fingerprint:
            raise fail("CKP-009", latents, "made by another autoencoder")
        source = Prior(coder, recipe.seed) if kind == "prior" else _pca(coder, latents, rows, conditions, recipe)
    unguarded = Guard(recipe.privacy, why_none="a rival to be measured, not to be shared")
    sample_cohort(source, subjects, out, ABOUT[kind], unguarded)


def _pca(coder: Autoencoder, latents: Path, rows: pd.DataFrame, conditions: Conditions, recipe: Recipe) -> PcaGaussian:
    data = read_latents(latents, rows, conditions, flip=recipe.diffusion.flip)
    fitted = durable.hash_of([durable.sha256(latents / "latents.npy"), rows["participant_id"].tolist()])
    return PcaGaussian(coder, conditions, fit_pca(data, conditions), recipe.seed, fitted)
