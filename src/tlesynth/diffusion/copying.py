"""Does the model begin to copy? Its samples' distance to the nearest training scan, beside that of unseen scans.

A scan of somebody new lies as far from the training scans as those of the validation split do. Samples that lie much
nearer are copies. Distances are root mean square differences of latents (in standard deviations of a channel), to the
mirrored training scans too where those are trained on. The audit of a finished cohort measures more (see the
evaluation); this one is cheap enough to look on while a model is trained (Dar et al., arXiv 2402.01054: longer
training copies more).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tlesynth.diffusion.latents import Latents
from tlesynth.progress import say

QUANTILE = 0.05
"""A sample nearer to a training scan than this share of the validation scans are counts as a copy."""
ALARM = 0.5
"""Share of copies at which training says so; 0.05 is expected of samples as new as the validation scans."""
CHUNK = 64
"""Training scans compared at once: as float32 they take half a megabyte each."""


@dataclass
class CopyWatch:
    """Compares samples with the training scans; says once when more than ``ALARM`` of them are copies."""

    fitted: Latents
    held_out: Latents
    told: bool = False

    def figures(self, samples: Tensor) -> dict[str, float]:
        """Of ``samples`` (B, C, X, Y, Z): median distance to the nearest training scan over that of validation scans,
        and the share of copies."""
        expected = nearest(self.held_out.values.float(), self.fitted.values)
        found = nearest(samples, self.fitted.values)
        bound = expected.quantile(QUANTILE)
        share = float((found < bound).float().mean())
        if share > ALARM and not self.told:
            self.told = True
            say(
                f"the model begins to copy: {100 * share:.0f} % of its samples lie nearer to a training scan than "
                f"{100 * (1 - QUANTILE):.0f} % of the validation scans do. Earlier milestones copy less "
                "(diffusion.milestone_every)."
            )
        return {"nearest_ratio": float(found.median() / expected.median()), "copies": share}


def nearest(latents: Tensor, training: Tensor) -> Tensor:
    """Root mean square difference (B,) of each of ``latents`` (B, ...) to the nearest of ``training`` (N, ...)."""
    wanted = latents.flatten(1).to(training.device).float()
    least = torch.full((len(wanted),), torch.inf, device=training.device)
    for start in range(0, len(training), CHUNK):
        some = training[start : start + CHUNK].flatten(1).float()
        least = torch.minimum(least, torch.cdist(wanted, some).min(1).values)
    return least / wanted.shape[1] ** 0.5
