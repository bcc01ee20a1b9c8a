"""Give the sampler a denoiser that is exactly right, and see that it draws exactly the right distribution.

For data N(m, s^2) the best possible noise prediction is known in closed form; a sampler that is wired correctly must
then return N(m, s^2). DDIM's spread shrinks a little with few steps: that is its discretisation, not a fault.

Run: python examples/perfect_denoiser.py   (a few seconds)
"""

import torch

from tlesynth.diffusion.objective import schedule_of
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.recipe import Noise

MEAN, SPREAD, SHAPE = 1.5, 0.5, (4, 8, 8, 8)
schedule = schedule_of(Noise())


def perfect(z: torch.Tensor, timesteps: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The expected noise in z at each timestep, for data N(MEAN, SPREAD^2)."""
    alpha_bar = schedule.alphas_cumprod[timesteps.long()].view(-1, 1, 1, 1, 1)
    return (1 - alpha_bar).sqrt() * (z - alpha_bar.sqrt() * MEAN) / (alpha_bar * SPREAD**2 + 1 - alpha_bar)


print(f"wanted          mean {MEAN:.3f}, standard deviation {SPREAD:.3f}")
for sampler, steps in (("ddpm", 1000), ("ddim", 1000), ("ddim", 50), ("ddim", 20)):
    generators = [torch.Generator().manual_seed(i) for i in range(4)]
    plan = Plan(schedule, null_class=0, sampler=sampler, steps=steps)
    z = sample_latents(perfect, torch.zeros(4, dtype=torch.long), SHAPE, generators, plan).latents
    print(f"{sampler} {steps:>5} steps  mean {z.mean():.3f}, standard deviation {z.std():.3f}")
