"""The folder of a trained diffusion model: written by training, read by sampling. Tensors and JSON, no pickle.

::

    config.json              network, conditions, latent shape, grid, the autoencoder's fingerprint, class counts, what
                             draws open conditions, how it is sampled
    diffusion.safetensors    the averaged (EMA) weights
    scheduler_config.json    the noise process, as diffusers reads it
    README.md                model card
    manifest.json            SHA-256 of each
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from tlesynth import __version__, durable
from tlesynth.diffusion.completion import Completion, read_completion
from tlesynth.diffusion.conditions import Conditions, read_conditions
from tlesynth.diffusion.preconditioning import Preconditioned
from tlesynth.diffusion.process import Process, RectifiedFlow, Texture, read_process
from tlesynth.diffusion.transformer import DiT3D
from tlesynth.errors import fail
from tlesynth.recipe import DiffusionNetwork, Inference, Section, Usage
from tlesynth.run_folder import read_model_config
from tlesynth.training.device import in_bfloat16

Part = TypeVar("Part", bound=Section)
FORMAT = "tlesynth-diffusion-2"
WEIGHTS = "diffusion.safetensors"
NEEDED = ("network", "conditions", "latent_shape", "extent_mm", "grid", "autoencoder", "class_counts", "training")
"""What sampling reads of config.json."""


@dataclass(frozen=True)
class Diffusion:
    """A trained model: the network, its noise process and conditions, and what it was trained on."""

    network: nn.Module
    process: Process
    conditions: Conditions
    latent_shape: tuple[int, int, int, int]
    grid: str
    autoencoder: str
    class_counts: dict[str, int]
    fingerprint: str
    flip: bool
    """Whether it was trained on the mirrored scans too."""
    completion: Completion | None = None
    """What draws the conditions that a request leaves open; None: nothing does, and they are null."""

    def use_bfloat16(self) -> None:
        """Run the transformer in bfloat16 from now on; what it corrects and its sum stay in float32."""
        inner = self.network.network if isinstance(self.network, Preconditioned) else self.network
        inner.to(torch.bfloat16)

    def run_as(self, inference: Inference, device: torch.device) -> Diffusion:
        """On ``device``, in the precision that ``inference`` asks of it; returns itself."""
        self.network.to(device)
        if in_bfloat16(inference.precision, device.type):
            self.use_bfloat16()
        return self


def noised_for(
    settings: DiffusionNetwork, process: Process, latent_shape: tuple[int, ...], extent_mm: tuple[float, ...]
) -> Process:
    """``process`` with the noise of the baseline: white, or for ``textured`` a ``Texture`` yet to be measured.

    A network is built for what this returns: the texture is a part of both.
    """
    if settings.baseline != "textured":
        return process
    assert isinstance(process, RectifiedFlow)  # the recipe admits no other
    return replace(process, texture=Texture(tuple(latent_shape), _voxel_mm(latent_shape, extent_mm)))


def build_network(
    settings: DiffusionNetwork,
    process: Process,
    conditions: Conditions,
    latent_shape: tuple[int, ...],
    extent_mm: tuple[float, ...],
) -> nn.Module:
    """The network for latents (C, X, Y, Z) that cover a box of ``extent_mm``.

    Without a baseline it is the paper's DiT-3D. With one, which the paper does not have, DiT-3D corrects the voxelwise
    Gaussian: on a short budget that decides whether anything like a brain comes out.
    """
    c, x, y, z = latent_shape
    transformer = DiT3D(settings, (c, x, y, z), _voxel_mm(latent_shape, extent_mm), conditions)
    if settings.baseline == "none":
        return transformer
    told = None if settings.baseline == "voxelwise" else conditions
    return Preconditioned(transformer, process, (c, x, y, z), told)


def _voxel_mm(latent_shape: tuple[int, ...], extent_mm: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(mm / n for mm, n in zip(extent_mm, latent_shape[1:], strict=True))


def save_diffusion(folder: Path, network: nn.Module, process: Process, config: dict[str, Any]) -> None:
    """Publish a model folder; ``config`` holds what ``load_diffusion`` needs and what the card tells.

    Raises:
        TlesynthError: RES-001 if the disk is full.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with durable.publishing(folder) as new:
        save_file(tensors, new / WEIGHTS, metadata={"format": "pt"})
        durable.write_json(new / "config.json", {"format": FORMAT, "tlesynth": __version__} | config)
        durable.write_json(new / "scheduler_config.json", process.described())
        durable.write_text(new / "README.md", _card(config))


def load_diffusion(folder: Path, autoencoder: str | None = None) -> Diffusion:
    """Read a model folder after checking its manifest; ``autoencoder`` is the fingerprint of the one that will decode.

    Raises:
        TlesynthError: CKP-001 if a file is damaged, CKP-009 if it was trained with another autoencoder, MOD-004 if the
            folder is not such a model.
    """
    config = read_model_config(folder, FORMAT, NEEDED)
    if autoencoder is not None and config["autoencoder"] != autoencoder:
        raise fail("CKP-009", folder, f"trained with {config['autoencoder'][:12]}, given {autoencoder[:12]}")
    try:
        return _assembled(folder, config)
    except (KeyError, TypeError, ValueError) as error:
        raise fail("MOD-004", folder / "config.json", f"{type(error).__name__}: {error}") from error


def _assembled(folder: Path, config: dict[str, Any]) -> Diffusion:
    settings = _section(DiffusionNetwork, config, "network", folder)
    described = folder / "scheduler_config.json"
    process = read_process(durable.read_json(described, "MOD-004"), described)
    process = noised_for(settings, process, config["latent_shape"], config["extent_mm"])
    conditions = read_conditions(config["conditions"])
    network = build_network(settings, process, conditions, config["latent_shape"], config["extent_mm"])
    try:
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (RuntimeError, SafetensorError) as error:
        # torch's first line says only that something is wrong.
        raise fail("MOD-004", folder / WEIGHTS, " ".join(str(error).split()[:40])) from error
    return Diffusion(
        network=network.eval().requires_grad_(False),
        process=process,
        conditions=conditions,
        latent_shape=tuple(config["latent_shape"]),
        grid=config["grid"],
        autoencoder=config["autoencoder"],
        class_counts=config["class_counts"],
        fingerprint=durable.sha256(folder / WEIGHTS),
        flip=config["training"]["flip"],
        completion=read_completion(config["completion"]) if config.get("completion") else None,
    )


def usage_of(folder: Path) -> Usage | None:
    """How the recipe that trained the model in ``folder`` uses it; None where the model does not say.

    Raises:
        TlesynthError: CKP-001 if a file is damaged, MOD-004 if the folder is not such a model.
    """
    config = read_model_config(folder, FORMAT, NEEDED)
    return _section(Usage, config, "usage", folder) if config.get("usage") else None


def _section(kind: type[Part], config: dict[str, Any], name: str, folder: Path) -> Part:
    try:
        return kind.model_validate(config[name])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([name, *map(str, first["loc"])])
        raise fail("MOD-004", folder / "config.json", f"{where}: {first['msg']}") from error


def _card(config: dict[str, Any]) -> str:
    counts = "\n".join(f"| {name} | {count} |" for name, count in config["class_counts"].items())
    told = read_conditions(config["conditions"]).items
    conditions = "\n".join(f"| {item.name} | {item.told} |" for item in told)
    shape, training = " x ".join(map(str, config["latent_shape"])), config["training"]
    return f"""---
library_name: tlesynth
tags: [medical-imaging, brain-mri, temporal-lobe-epilepsy, latent-diffusion, research-only]
---

# Latent diffusion transformer for T1 brain MRI, with and without temporal lobe epilepsy

Draws latents ({shape}) of the autoencoder with fingerprint `{config["autoencoder"][:16]}` on the grid
{config["grid"]}, given any of these conditions, or none. Another autoencoder is refused. Weights: `{WEIGHTS}` (moving
average), {config["parameters"]:,} parameters.

| condition | may be asked for |
|---|---|
{conditions}
{_drawn_in_words(config)}
## Training data

| class | scans{" (each also mirrored)" if training["flip"] else ""} |
|---|---|
{counts}

{_weights_in_words(training)} {_latents_in_words(config)}{_noise_in_words(config)}{_sampling_in_words(config)}

## Intended use and limits

Research on synthetic cohorts and data augmentation. Not for diagnosis. A model trained on few scans can repeat them:
compare its samples with the training scans before they are shared. Written by tlesynth {__version__}.
"""


def _drawn_in_words(config: dict[str, Any]) -> str:
    if not config.get("completion"):
        return ""
    names = " and ".join(f"`{name}`" for name in config["completion"]["drawn"])
    return f"""
What a request leaves open of {names} is drawn as the training scans
with the same other conditions have it.
"""


def _weights_in_words(training: dict[str, Any]) -> str:
    steps = f"{training['steps']:,}"
    if training.get("milestone"):
        planned = f"{training['planned_steps']:,}"
        return f"A milestone on the way: the weights after {steps} of {planned} steps, whatever the validation said."
    best = f"{training['best_step']:,}, where the error on the validation\nsplit was lowest"
    return f"{steps} steps; the weights are those of step {best} ({training['best_validation']:.4f})."


def _noise_in_words(config: dict[str, Any]) -> str:
    if config["network"].get("baseline") != "textured":
        return ""
    return (
        "\nThe noise it starts from is not white: white noise takes the spread and texture that the weights hold as\n"
        "`texture.spread` and `texture.root`; a sampler that starts from white noise draws nothing of use."
    )


def _sampling_in_words(config: dict[str, Any]) -> str:
    if not config.get("usage"):
        return ""
    how = config["usage"]["sampling"]
    return (
        f"\nUnless told otherwise it is sampled by `{how['sampler']}` in {how['steps']} steps,"
        f" guidance {how['guidance']:g}{', or as `tune` chose' if how['tuned'] else ''}."
    )


def _latents_in_words(config: dict[str, Any]) -> str:
    training = config["training"]
    gate = f"The autoencoder's quality gate: {config.get('gate', 'not judged')}."
    share = training.get("posterior_noise")
    noise = "" if share is None else f" The posterior's own noise is {100 * share:.1f} % of the latents' variance."
    if training.get("latents", "mean") == "mean":
        return f"{gate} Trained on the posterior's mean.{noise}"
    floor = f", so that no loss can fall below {training['loss_floor']:.4f}" if training["loss_floor"] else ""
    return f"{gate} Trained on draws from the posterior{floor}.{noise}"
