"""Autoencoder weights of MONAI and of MAISI as a model folder of ours.

MAISI's network (``AutoencoderKlMaisi``) is MONAI's (``AutoencoderKL``) with each convolution wrapped once more, which
shows in the names, and with linear instead of nearest doubling in the decoder, which does not show in the weights. Both
become the paper's network, exactly: the same function up to rounding, without MAISI's splitting and half precision.

What the file does not hold is measured: the latents' mean and scale on ``gen_train``, the quality gate on ``val``. So
an imported model is complete from the start, as a trained one is. Its weights were trained elsewhere, on another
intensity convention (MAISI: 0 to 99.5 percentile of the whole image, unclipped) and under their own licence; the model
card says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
from pydantic import ValidationError
from torch import Tensor

from tlesynth import durable
from tlesynth.autoencoder.coders.monai import MonaiCoder
from tlesynth.autoencoder.gate.judging import pass_gate
from tlesynth.autoencoder.model import save_autoencoder
from tlesynth.autoencoder.networks import Autoencoder, channels_last
from tlesynth.autoencoder.scans import FITTED, origin_of, read_scans
from tlesynth.autoencoder.train import fit_latents
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import fail
from tlesynth.recipe import AutoencoderNetwork, Gate, Inference
from tlesynth.run_folder import RunFolder
from tlesynth.training import fabric_for
from tlesynth.volume import Grid
from tlesynth.weights import foreign_tensors

Family = Literal["maisi", "monai"]
UPSAMPLING: dict[Family, str] = {"maisi": "trilinear", "monai": "nearest"}
LEVELS = 3
SHOWN = 5
"""Misfits that an error names."""


def import_autoencoder(
    file: Path,
    family: Family,
    derivatives: Path,
    splits: Path,
    out: Path,
    *,
    norm_groups: int,
    device: str,
    judging: tuple[Gate, Inference] | None = None,
) -> None:
    """Publish ``out/model`` with the weights of ``file``, and the quality gate's files in ``out``.

    ``judging``: the gate's limits, and how the model is run when it is judged. The same import may be done again, with
    other limits too; anything else in ``out``, a training or another model, is left as it is.

    Raises:
        TlesynthError: CFG-010 if ``out`` holds anything else than this import, OPS-010 if another process works there,
            MOD-006 if the weights are not of that family or of a size we run, MOD-007 if there is no such file, DATA
            and NII codes for missing or unfitting input, NUM-001 if a latent channel never changes, OPS-075 after a
            stop request.
    """
    cohort, (limits, inference) = read_cohort(derivatives), judging or (Gate(), Inference())
    fabric = fabric_for(device, "32-true")
    network = read_foreign(file, family, cohort.grid, norm_groups)
    network = channels_last(network.to(fabric.device)).requires_grad_(False).eval()
    fitted = read_scans(cohort, splits, FITTED)
    imported = {"family": family, "sha256": durable.sha256(file)}
    size = {"norm_groups": norm_groups, "grid": cohort.grid.fingerprint}
    with RunFolder.held(out, {"imported": imported | size} | origin_of(cohort, splits)):
        fit_latents(network, fitted, fabric.device)
        facts = {"imported": imported | {"file": file.name, "scans": len(fitted)}}
        gate = pass_gate(out, network, cohort, splits, limits, seed=0, inference=inference)
        save_autoencoder(out / "model", network, facts, gate)


def read_foreign(file: Path, family: Family, grid: Grid, norm_groups: int) -> Autoencoder:
    """The paper's network for ``grid`` with the weights of ``file``; widths and depth are read from their shapes.

    ``norm_groups`` leaves no trace in the weights: 32 in every released model.

    Raises:
        TlesynthError: MOD-006 with the first names or shapes that do not fit, MOD-007 if there is no such file.
    """
    found = {name.removeprefix("module."): tensor for name, tensor in foreign_tensors(file).items()}
    written: Family = "maisi" if "encoder.blocks.0.conv.conv.weight" in found else "monai"
    state = {renamed(name, written): tensor for name, tensor in found.items()}
    settings = _settings_of(state, family, norm_groups, file)
    if written != family:
        raise fail("MOD-006", file, f"its names are those of {written}: tlesynth import-weights {written}")
    network = Autoencoder(settings, grid)
    coder = network.coder
    assert isinstance(coder, MonaiCoder)
    if wrong := misfits(state, coder.kl.state_dict()):
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise fail("MOD-006", file, "; ".join(wrong[:SHOWN]) + more)
    if broken := [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]:
        raise fail("MOD-006", file, f"{broken[0]} holds values that are not finite")
    coder.kl.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return network


def renamed(name: str, written: Family) -> str:
    """The name that MONAI's ``AutoencoderKL`` gives to a tensor.

    MAISI wraps each convolution once more (``.conv.conv.``). Both MAISI and older versions of MONAI call the
    upsampling's convolution ``conv``, now it is ``postconv``.
    """
    if written == "maisi" and name.startswith(("encoder.", "decoder.")):
        name = re.sub(r"\.conv\.conv\.(weight|bias)$", r".conv.\1", name)
    return re.sub(r"^(decoder\.blocks\.\d+)\.conv\.conv\.", r"\1.postconv.conv.", name)


def misfits(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> list[str]:
    """What keeps ``found`` from being the state ``wanted``, in words: missing, unknown, or of another shape."""
    wrong = [f"{name} is missing" for name in wanted if name not in found]
    wrong += [f"{name} is unknown" for name in found if name not in wanted]
    return wrong + [
        f"{name} is {_shape(found[name])}, not {_shape(tensor)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]


def _settings_of(state: dict[str, Tensor], family: Family, norm_groups: int, file: Path) -> AutoencoderNetwork:
    first = {
        int(match[1]): tensor.shape[0]
        for name, tensor in state.items()
        if (match := re.fullmatch(r"encoder\.blocks\.(\d+)\.conv1\.conv\.weight", name))
    }
    mean = state.get("quant_conv_mu.conv.weight")
    if not first or mean is None:
        raise fail("MOD-006", file, f"it holds no KL autoencoder; its names begin with {', '.join(list(state)[:3])}")
    if attending := [name for name in state if ".attn." in name]:
        raise fail("MOD-006", file, f"it has attention layers, as {attending[0]}; ours has none")
    levels = _runs(sorted(first))
    depths = sorted({len(level) for level in levels})
    if len(levels) != LEVELS or len(depths) != 1:
        told = ", ".join(str(len(level)) for level in levels)
        raise fail("MOD-006", file, f"it has {told} residual blocks by level; ours has {LEVELS} levels of equal depth")
    try:
        return AutoencoderNetwork.model_validate(
            {
                "channels": tuple(first[level[0]] for level in levels),
                "residual_blocks": depths[0],
                "latent_channels": mean.shape[0],
                "norm_groups": norm_groups,
                "upsampling": UPSAMPLING[family],
            }
        )
    except ValidationError as error:
        why = "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors())
        hint = " (--norm-groups says how many, since the file does not)" if "norm_groups" in why else ""
        raise fail("MOD-006", file, why + hint) from error


def _runs(numbers: Iterable[int]) -> list[list[int]]:
    """Rising numbers in runs without a gap: what stands between two levels is the halving."""
    numbers = list(numbers)
    runs = [[numbers[0]]]
    for before, after in pairwise(numbers):
        if after == before + 1:
            runs[-1].append(after)
        else:
            runs.append([after])
    return runs


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape))
