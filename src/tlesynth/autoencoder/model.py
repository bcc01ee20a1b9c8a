"""The folder of a trained autoencoder: written by training, read by encoding and sampling. Tensors and JSON, no pickle.

::

    config.json               network, grid, intensity convention, fingerprint, training facts, the gate's verdict
    autoencoder.safetensors   weights, latent mean and scale
    README.md                 model card
    manifest.json             SHA-256 of each
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tlesynth import __version__, durable
from tlesynth.autoencoder.networks import COMPRESSION, Autoencoder, channels_last
from tlesynth.errors import fail
from tlesynth.recipe import AutoencoderNetwork
from tlesynth.run_folder import read_model_config
from tlesynth.volume import GRIDS, Grid

FORMAT = "tlesynth-autoencoder-1"
WEIGHTS = "autoencoder.safetensors"
INTENSITY = "0.5 to 99.5 percentile inside the brain to [0, 1], clipped; background 0"

SUMS = {
    "score": "the weighted sum of its losses without the adversarial one",
    "paper_sum": "the weighted sum of its losses with the adversarial one (as the paper)",
}


BUILT_FROM = ("network", "grid", "grid_fingerprint", "fingerprint")
"""Keys of config.json without which there is no network."""
TOLD = (*BUILT_FROM, "intensity", "latent_shape", "parameters", "training")
"""Keys that the card tells."""


@dataclass(frozen=True)
class Trained:
    """An autoencoder read from its folder, its fingerprint, and the verdict it carries (None: never judged)."""

    network: Autoencoder
    fingerprint: str
    gate: dict[str, Any] | None


def save_autoencoder(
    folder: Path, network: Autoencoder, training: dict[str, Any], gate: dict[str, Any] | None = None
) -> None:
    """Publish a model folder; ``training`` holds what the card tells of the training (JSON values).

    ``gate`` is what ``judging.pass_gate`` returned; a model without one says that it was never judged.

    Raises:
        TlesynthError: RES-001 if the disk is full.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    config = {
        "format": FORMAT,
        "tlesynth": __version__,
        "network": network.settings.model_dump(mode="json"),
        "grid": network.grid.name,
        "grid_fingerprint": network.grid.fingerprint,
        "intensity": INTENSITY,
        "latent_shape": list(network.latent_shape),
        "parameters": sum(p.numel() for p in network.parameters()),
        "fingerprint": network.fingerprint,
        "training": training,
        "gate": gate,
    }
    with durable.publishing(folder) as new:
        save_file(tensors, new / WEIGHTS, metadata={"format": "pt"})
        durable.write_json(new / "config.json", config)
        durable.write_text(new / "README.md", _card(config))


def attach_gate(folder: Path, gate: dict[str, Any]) -> None:
    """Put a verdict into a model folder that stands; the weights stay as they are.

    Raises:
        TlesynthError: MOD-004 or CKP-001 for an unusable folder, RES-001 if the disk is full.
    """
    config = read_model_config(folder, FORMAT, TOLD)
    if config.get("gate") == gate:
        return
    weights = (folder / WEIGHTS).read_bytes()
    with durable.publishing(folder) as new:
        (new / WEIGHTS).write_bytes(weights)
        durable.write_json(new / "config.json", config | {"gate": gate})
        durable.write_text(new / "README.md", _card(config | {"gate": gate}))


def read_gate(folder: Path) -> dict[str, Any] | None:
    """The verdict that a model folder carries: verdict, reasons, loosened limits, figures; None if it was never judged.

    Raises:
        TlesynthError: MOD-004 or CKP-001 for an unusable folder.
    """
    return read_model_config(folder, FORMAT).get("gate")


def read_fingerprint(folder: Path) -> str:
    """The fingerprint of the autoencoder in a model folder.

    Raises:
        TlesynthError: MOD-004 or CKP-001 for an unusable folder.
    """
    return read_model_config(folder, FORMAT, ("fingerprint",))["fingerprint"]


def load_autoencoder(folder: Path, device: str | torch.device = "cpu") -> Autoencoder:
    """Read a model folder, frozen, on ``device``, after checking its manifest and its fingerprint.

    Raises:
        TlesynthError: MOD-004 if it is not such a folder or of an unknown grid, CKP-001 if a file is damaged.
    """
    return read_autoencoder(folder, device).network


def read_autoencoder(folder: Path, device: str | torch.device = "cpu") -> Trained:
    """The same with what the folder tells of it; every file is read and hashed once.

    Raises:
        TlesynthError: as ``load_autoencoder`` does.
    """
    folder = Path(folder)
    config = read_model_config(folder, FORMAT, BUILT_FROM)
    try:
        network = Autoencoder(AutoencoderNetwork.model_validate(config["network"]), _grid(folder, config))
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (RuntimeError, SafetensorError, ValidationError, OSError) as error:
        raise fail("MOD-004", folder, str(error).splitlines()[0]) from error
    if network.fingerprint != config["fingerprint"]:
        raise fail("CKP-001", folder / WEIGHTS, "the weights are not those that were saved")
    network = channels_last(network.to(device)).requires_grad_(False).eval()
    return Trained(network, config["fingerprint"], config.get("gate"))


def _grid(folder: Path, config: dict[str, Any]) -> Grid:
    grid = GRIDS.get(config["grid"])
    if grid is None or grid.fingerprint != config["grid_fingerprint"]:
        raise fail("MOD-004", folder, f"its grid {config['grid']!r} is not one of {', '.join(GRIDS)}")
    return grid


def _card(config: dict[str, Any]) -> str:
    latent = " x ".join(map(str, config["latent_shape"]))
    shape = " x ".join(map(str, GRIDS[config["grid"]].shape))
    return f"""---
library_name: tlesynth
tags: [medical-imaging, brain-mri, autoencoder, vae-gan, research-only]
---

# VAE-GAN for skull-stripped T1 brain MRI

Turns a volume on the grid {config["grid"]} ({shape}, MNI152NLin2009aSym, RAS) into a latent ({latent}) and back:
{COMPRESSION} times fewer voxels on each axis. {config["parameters"]:,} parameters. Intensity: {config["intensity"]}.
A volume on another grid is refused. Fingerprint: `{config["fingerprint"]}`.

## Training

{_origin(config["training"])}

## Quality gate

{_verdict(config.get("gate"))}

## Intended use and limits

Research on synthetic cohorts. Not for diagnosis. Detail finer than a few voxels is lost, and what it never saw in
training (lesions, other sequences, skulls) it may draw as ordinary anatomy. Written by tlesynth {__version__}.
"""


def _origin(training: dict[str, Any]) -> str:
    """Where the weights come from: this training, or somebody else's."""
    if "imported" in training:
        there = training["imported"]
        return f"""Imported from {there["file"]} (SHA-256 `{there["sha256"]}`):
weights of {there["family"].upper()}'s network. How they were trained and on what is not known here, and their own
licence applies. MAISI's were trained on MR scaled by the percentiles 0 to 99.5 of the whole image, unclipped: not quite
the intensities above. Mean and scale of the latents were measured on {there["scans"]:,} training scans."""
    losses = "\n".join(f"| {name} | {value:.4g} |" for name, value in training["validation"].items())
    return f"""{training["scans"]:,} scans, {training["steps"]:,} steps; the weights are those of step
{training["best_step"]:,}, the best on the validation split ({training["validation_scans"]:,} scans) in the phase
"{training["phase"]}".
{_choice(training)}Perceptual term: {training["perceptual"]}.

| validation figure | value |
|---|---|
{losses}"""


def _choice(training: dict[str, Any]) -> str:
    """How the weights were chosen, as far as it is known: imported weights were chosen elsewhere."""
    lines = []
    if "selected_by" in training:
        lines.append(f"Best means by {SUMS[training['selected_by']]} (`{training['selected_by']}`).")
    if training.get("ema_decay"):
        lines.append(f"They are an exponential moving average over the steps (decay {training['ema_decay']}).")
    if "schedule" in training:
        lines.append(f"Adversarial phase: {training['schedule']}, loss {training['adversarial_loss']}.")
    return "".join(line + "\n" for line in lines)


def _verdict(gate: dict[str, Any] | None) -> str:
    if gate is None:
        return "Never judged: the model was made without the quality gate."
    run = gate.get("run", {"precision": "float32", "tiles": "none"})
    how = f"in {run['precision']}, {'whole' if run['tiles'] == 'none' else 'in tiles'}"
    lines = [f"**{gate['verdict'].capitalize()}** on {gate['scans']} held-out scans ({gate['split']}), run {how}."]
    lines += [f"- {reason}" for reason in gate["reasons"]]
    if gate["loosened"]:
        lines.append(f"- The recipe loosened these limits of the product: {', '.join(gate['loosened'])}.")
    rows = [f"| {name} | {_interval(figure)} |" for name, figure in gate["figures"].items()]
    return "\n".join([*lines, "", "| figure | mean over scans, 95 % interval |", "|---|---|", *rows])


def _interval(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return "could not be measured"
    ends = "" if figure["low"] is None else f" ({figure['low']:.4g} to {figure['high']:.4g})"
    return f"{figure['value']:.4g}{ends}"
