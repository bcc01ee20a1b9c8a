"""What a network does to held-out real brains: crops on the way, whole volumes at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tlesynth.autoencoder.learning import losses
from tlesynth.autoencoder.networks import LEAST_SIGNAL
from tlesynth.data.cohort import Cohort
from tlesynth.metrics.comparison import compare
from tlesynth.metrics.fidelity import psnr
from tlesynth.seeds import torch_generator
from tlesynth.training.augmentation import cropped

KEPT = ("l1_brain", "psnr_brain_db", "psnr_db", "ssim", "l1_hippocampus")
LPIPS_SHARE = 0.25
"""Of the filled slices of each plane, the same ones for every network."""


@dataclass(frozen=True)
class Judge:
    """Held-out volumes (N, 1, X, Y, Z), boxes of them, and LPIPS where its weights are here."""

    cohort: Cohort
    ids: tuple[str, ...]
    boxes: Tensor
    """(K, 1, x, y, z), several of each volume."""
    lpips: nn.Module | None
    lpips_name: str
    seed: int

    @torch.no_grad()
    def crops(self, network: nn.Module, fabric: Fabric) -> dict[str, float]:
        """In-mask L1 and PSNR of the boxes, in the precision of training; the means over boxes."""
        network.eval()
        rows = []
        for box in self.boxes.split(1):
            x = box.to(fabric.device)
            with fabric.autocast():
                x_hat = rebuilt(network, x)
            error = (x - x_hat.float())[x > 0]
            rows.append((float(error.abs().mean()), psnr(float(error.square().mean()))))
        l1, decibels = np.mean(rows, axis=0)
        return {"crop_l1": round(float(l1), 5), "crop_psnr_db": round(float(decibels), 3)}

    @torch.no_grad()
    def whole(self, network: nn.Module) -> dict[str, Any]:
        """Every figure of whole volumes in float32, means over scans; hippocampal bias in percent."""
        network.eval()
        device = next(network.parameters()).device
        rows = []
        for participant_id in self.ids:
            x = torch.from_numpy(self.cohort.volume(participant_id))[None, None].to(device)
            x_hat = rebuilt(network, x)
            found = compare(x[0, 0].cpu().numpy(), x_hat[0, 0].cpu().numpy(), self.cohort.grid)
            row = {name: found[name] for name in KEPT}
            row["hippocampus_bias_percent"] = 100 * found["hippocampus_bias"]
            if self.lpips is not None:
                row[self.lpips_name] = self._lpips(x, x_hat, participant_id)
            rows.append(row)
        # A scan whose hippocampi cannot be told apart leaves them unmeasured: such a figure is left out, never made up.
        means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        return {name: float(f"{value:.5g}") for name, value in means.items() if np.isfinite(value)}

    def _lpips(self, x: Tensor, x_hat: Tensor, participant_id: str) -> float:
        draws = torch_generator(self.seed, "benchmark", "slices", participant_id)
        planes = losses.draw_slices(x, LPIPS_SHARE, [draws])
        return float(losses.lpips_on_slices(self.lpips.to(x.device), x, x_hat, planes))


def boxes_of(cohort: Cohort, ids: tuple[str, ...], sides: tuple[int, int, int], each: int, seed: int) -> Tensor:
    """``each`` random boxes of every volume, within its brain: (K, 1, x, y, z)."""
    made = []
    for participant_id in ids:
        draws = torch_generator(seed, "benchmark", "boxes", participant_id)
        volume = torch.from_numpy(cohort.volume(participant_id))[None, None]
        made += [cropped(volume, sides, draws) for _ in range(each)]
    return torch.cat([box for box in made if bool((box > 0).any())])


def rebuilt(network: nn.Module, x: Tensor) -> Tensor:
    """A volume through its posterior mean, clipped and cleaned as the product does: (B, 1, X, Y, Z)."""
    decoded = network.coder.decode(network.encode(x)[0]).float().clamp(0, 1)
    if decoded.shape != x.shape:
        raise RuntimeError(f"{tuple(x.shape)} came back as {tuple(decoded.shape)}")
    return decoded.where(decoded >= LEAST_SIGNAL, 0)
