"""Rectified flow (Liu et al., arXiv 2209.03003): the straight line from the clean latent to the noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Generator, Tensor

from tlesynth.diffusion.process.draws import DRAWS
from tlesynth.diffusion.process.process import Process
from tlesynth.diffusion.process.texture import Texture


@dataclass(frozen=True)
class RectifiedFlow(Process):
    """``z_t = (1 - t) z_0 + t eps``; the network predicts dz/dt = eps - z_0 and is told the time T t, a real number.

    Args:
        timesteps: T, so that its times lie where those of a diffusion do.
        drawn: how training times are drawn, a key of ``DRAWS``.
        texture: what its noise has of the latents.
    """

    timesteps: int = 1000
    drawn: str = "uniform"
    texture: Texture | None = None
    clean_time: ClassVar[float] = 0.0

    @property
    def prediction(self) -> str:
        """What the network predicts: the flow's velocity."""
        return "flow"

    def scales(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """The signal's 1 - t and the noise's t at ``times`` T t (B,), each (B, 1, 1, 1, 1) float32."""
        t = (times.float() / self.timesteps).reshape(-1, 1, 1, 1, 1)
        return 1 - t, t

    def draw(self, n: int, generator: Generator) -> Tensor:
        """``n`` training times (n,) float32 between 0 and T."""
        return (self.timesteps * DRAWS[self.drawn](n, generator)).float()

    def moments(self, n: int) -> Tensor:
        """``n`` evenly spread times (n,) float32, for validation."""
        return torch.tensor([(2 * i + 1) * self.timesteps / (2 * n) for i in range(n)])

    def way(self, steps: int) -> tuple[float, ...]:
        """``steps`` + 1 evenly spread times from T down to 0."""
        return tuple(self.timesteps * (steps - i) / steps for i in range(steps + 1))

    def noise_time(self, time: float) -> float:
        """A network's time as a fraction: t itself."""
        return time / self.timesteps

    def described(self) -> dict[str, Any]:
        """``scheduler_config.json`` as diffusers reads it."""
        config = FlowMatchEulerDiscreteScheduler(num_train_timesteps=self.timesteps).config
        return {k: v for k, v in config.items() if not k.startswith("_")} | {
            "_class_name": "FlowMatchEulerDiscreteScheduler"
        }
