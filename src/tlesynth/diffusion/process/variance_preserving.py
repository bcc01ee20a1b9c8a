"""The paper's diffusion (equations 6 and 7): a = sqrt(alpha_bar_t), b = sqrt(1 - alpha_bar_t), t = 0, ..., T - 1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Generator, Tensor

from tlesynth.diffusion.process.draws import DRAWS
from tlesynth.diffusion.process.process import Process


@dataclass(frozen=True)
class VariancePreserving(Process):
    """A diffusion over the betas of ``schedule``; its times are whole, and ``clean_time`` is the step before the first.

    Args:
        schedule: holds the betas and the prediction's type.
        drawn: how training times are drawn, a key of ``DRAWS``.
    """

    schedule: DDPMScheduler
    drawn: str = "uniform"
    clean_time: ClassVar[float] = -1.0

    @property
    def timesteps(self) -> int:
        """T."""
        return int(self.schedule.config["num_train_timesteps"])

    @property
    def prediction(self) -> str:
        """What the network predicts: epsilon or v_prediction."""
        return self.schedule.config["prediction_type"]

    @cached_property
    def alpha_bars(self) -> Tensor:
        """Alpha_bar (T + 1,) of times -1 (clean: 1), 0, ..., T - 1."""
        return torch.cat([torch.ones(1), self.schedule.alphas_cumprod])

    def scales(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """The signal's a and the noise's b at ``times`` (B,), each (B, 1, 1, 1, 1) float32."""
        alpha_bar = self.alpha_bars.to(times.device)[times.long() + 1].reshape(-1, 1, 1, 1, 1)
        return alpha_bar**0.5, (1 - alpha_bar) ** 0.5

    def draw(self, n: int, generator: Generator) -> Tensor:
        """``n`` training times (n,): whole numbers from 0 to T - 1, as float32."""
        times = torch.floor(self.timesteps * DRAWS[self.drawn](n, generator))
        return times.clamp(max=self.timesteps - 1).float()

    def moments(self, n: int) -> Tensor:
        """``n`` evenly spread times (n,) float32, for validation."""
        return torch.tensor([float((2 * i + 1) * self.timesteps // (2 * n)) for i in range(n)])

    def way(self, steps: int) -> tuple[float, ...]:
        """``steps`` + 1 evenly spread times from T - 1 down to -1; at most T steps."""
        return tuple(float(round(self.timesteps * (steps - i) / steps) - 1) for i in range(steps + 1))

    def noise_time(self, time: float) -> float:
        """A network's time as a fraction: z at time t has seen t + 1 of T noising steps."""
        return (time + 1) / self.timesteps

    def described(self) -> dict[str, Any]:
        """``scheduler_config.json`` as diffusers reads it."""
        return {k: v for k, v in self.schedule.config.items() if not k.startswith("_")} | {
            "_class_name": "DDPMScheduler"
        }
