"""A process from the recipe, or from the folder of a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

from tlesynth.diffusion.process.process import Process
from tlesynth.diffusion.process.rectified_flow import RectifiedFlow
from tlesynth.diffusion.process.variance_preserving import VariancePreserving
from tlesynth.errors import fail
from tlesynth.recipe import Noise


def process_of(noise: Noise) -> Process:
    """The process that the recipe asks for. Latents are never clipped; DDPM's variance is the fixed small one."""
    if noise.process == "flow":
        return RectifiedFlow(noise.timesteps, noise.draw)
    schedule = DDPMScheduler(
        num_train_timesteps=noise.timesteps,
        beta_schedule=noise.schedule,
        beta_start=noise.beta_start,
        beta_end=noise.beta_end,
        prediction_type=noise.prediction,
        variance_type="fixed_small",
        clip_sample=False,
        timestep_spacing="trailing",
    )
    return VariancePreserving(schedule, noise.draw)


def read_process(described: dict[str, Any], where: str | Path) -> Process:
    """The process that ``Process.described`` wrote, for sampling: how times were drawn in training is not kept.

    Raises:
        TlesynthError: MOD-004 for another kind of process; ``where`` is what the message names.
    """
    kind = described.get("_class_name")
    if kind == "DDPMScheduler" and described.get("prediction_type") in {"epsilon", "v_prediction"}:
        schedule = DDPMScheduler.from_config(described)
        assert isinstance(schedule, DDPMScheduler)
        return VariancePreserving(schedule)
    shifted = described.get("shift", 1.0) != 1 or described.get("use_dynamic_shifting", False)
    if kind == "FlowMatchEulerDiscreteScheduler" and not shifted:
        return RectifiedFlow(int(described["num_train_timesteps"]))
    raise fail("MOD-004", where, f"no process of ours: {kind} with prediction {described.get('prediction_type')}")
