"""``--dry-run``: which graphics cards hold the training of a recipe, and what to change for those that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tlesynth import recipe as recipes
from tlesynth.volume import GRIDS

if TYPE_CHECKING:
    from tlesynth.autoencoder.memory import Memory

ADAM = 4
"""Weights, gradients and two moments."""


def memory_rows(recipe: recipes.Recipe, latent: tuple[int, int, int, int]) -> dict[str, str]:
    """A row for each network, one for the cards that hold all three, and the advice for the others.

    Raises:
        TlesynthError: CFG-003 if sizes do not divide.
    """
    from tlesynth.autoencoder.memory import CARDS, CONTEXT, decoding_memory, training_memory

    settings, grid = recipe.autoencoder, GRIDS[recipe.preprocess.grid]
    needed = training_memory(settings, grid, recipe.precision)
    others = {"diffusion": _diffusion(recipe, latent)}
    others |= {"classifier": _classifier(recipe)} if recipe.classifier.kind != "volumes" else {}
    decoding = decoding_memory(settings.network, recipe.inference, grid)
    largest = max(needed.total, *(other.total for other in others.values()))
    verdicts = [f"{card} GB {'yes' if _all_fit([needed, *others.values()], card) else 'no'}" for card in CARDS]
    rows = {"autoencoder memory": _told(needed)}
    rows |= {f"{name} memory": _told(other) for name, other in others.items()}
    rows["decoding memory"] = f"{_told(decoding)} ({recipe.inference.precision})"
    rows["fits"] = (
        f"{', '.join(verdicts)} (the largest takes {_gb(largest)}, of which {_gb(CONTEXT)} is assumed for CUDA)"
    )
    tight = [card for card in CARDS if not needed.fits(card)]
    rows |= _advice(recipe, tight)
    heavy = [name for name, other in others.items() if not other.fits(CARDS[0])]
    return rows | {f"to train the {name} in less": f"--set {name}.batch_size=..." for name in heavy}


def _advice(recipe: recipes.Recipe, cards: list[int]) -> dict[str, str]:
    """What makes the autoencoder's training fit each of ``cards``."""
    from tlesynth.autoencoder.memory import thriftier, training_memory

    rows, grid = dict[str, str](), GRIDS[recipe.preprocess.grid]
    for settings, words in thriftier(recipe.autoencoder, grid) if cards else ():
        memory = training_memory(settings, grid, recipe.precision)
        for card in [card for card in cards if memory.fits(card)]:
            rows[f"to fit {card} GB"] = " ".join(f"--set {word}" for word in words.split()) + f" ({_gb(memory.total)})"
            cards = [other for other in cards if other != card]
        if not cards:
            break
    return rows | {f"to fit {card} GB": "choose a smaller network, grid or autoencoder.crop" for card in cards}


def _diffusion(recipe: recipes.Recipe, latent: tuple[int, int, int, int]) -> Memory:
    from tlesynth.autoencoder.memory import supervised_memory
    from tlesynth.diffusion.conditions import assumed
    from tlesynth.diffusion.transformer import DiT3D

    settings, spacing = recipe.diffusion, GRIDS[recipe.preprocess.grid].spacing * 4
    batch, conditions = settings.batch_size, assumed(settings.conditions)
    return supervised_memory(
        lambda: DiT3D(settings.network, latent, (spacing, spacing, spacing), conditions),
        lambda: (torch.empty(batch, *latent), torch.zeros(batch), conditions.null(batch)),
        recipe.precision,
        ADAM + 1,  # and the average
    )


def _classifier(recipe: recipes.Recipe) -> Memory:
    from tlesynth.autoencoder.memory import supervised_memory
    from tlesynth.classifier.network_scorer import network_for

    settings, grid = recipe.classifier, GRIDS[recipe.preprocess.grid]
    return supervised_memory(
        lambda: network_for(settings, grid, seed=0),
        lambda: (torch.empty(settings.scans_a_step, *grid.shape),),
        recipe.precision,
        ADAM,
    )


def _all_fit(needed: list[Memory], card: int) -> bool:
    return all(memory.fits(card) for memory in needed)


def _told(memory: Memory) -> str:
    parts = {
        "resident": memory.resident,
        "activations": memory.kept,
        "passing": memory.passing,
        "workspace": memory.workspace,
    }
    told = ", ".join(f"{_gb(size)} {name}" for name, size in parts.items() if size > 0)
    return f"{_gb(memory.total)} on a GPU: {told}"


def _gb(size: int) -> str:
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.0f} MB"
