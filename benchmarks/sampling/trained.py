"""Trained models as a part of the benchmark is given them: two model folders, and how to sample."""

from __future__ import annotations

import argparse
from pathlib import Path

from tlesynth import recipe
from tlesynth.synthesis.synthesizer import Synthesizer, synthesizer_of


def arguments(parser: argparse.ArgumentParser, *, sampler: str, steps: int) -> None:
    """Options that name the models and how they draw."""
    parser.add_argument("--autoencoder", type=Path, required=True, help="model folder")
    parser.add_argument("--diffusion", type=Path, required=True, help="model folder")
    parser.add_argument("--sampler", default=sampler)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--seed", type=int, default=0)


def models_of(given: argparse.Namespace, guidance: float) -> Synthesizer:
    """Both models, drawing with ``guidance`` as the product does."""
    settings = recipe.Sample(sampler=given.sampler, steps=given.steps, guidance=guidance)
    inference = recipe.Inference(precision="auto")
    return synthesizer_of(
        given.autoencoder, given.diffusion, settings, seed=given.seed, device="cpu", inference=inference
    )
