"""Give the sampler a denoiser that is exactly right, and see that it draws exactly the right distribution.

For data N(m, s^2) the best possible prediction is known in closed form; a sampler that is wired correctly must then
return N(m, s^2). The spread shrinks a little with few steps: that is the sampler's discretisation, not a fault.

Run: python examples/perfect_denoiser.py   (a few seconds)
"""

import torch

from tlesynth.diffusion.process import Process, process_of
from tlesynth.diffusion.sampling import Denoiser, Plan, sample_latents
from tlesynth.recipe import Noise

MEAN, SPREAD, SHAPE = 1.5, 0.5, (4, 8, 8, 8)


def perfect(process: Process) -> Denoiser:
    """What ``process`` asks a network to predict, given exactly, for data N(MEAN, SPREAD^2)."""

    def denoise(z: torch.Tensor, times: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        a, b = process.scales(times)  # z = a z_0 + b eps
        surprise = (z - a * MEAN) / (a**2 * SPREAD**2 + b**2)
        return process.target(MEAN + a * SPREAD**2 * surprise, b * surprise, times)

    return denoise


diffusion, flow = process_of(Noise()), process_of(Noise(process="flow"))
print(f"wanted                  mean {MEAN:.3f}, standard deviation {SPREAD:.3f}")
for kind, process, sampler, steps in (
    ("diffusion", diffusion, "ddpm", 1000),
    ("diffusion", diffusion, "ddim", 50),
    ("diffusion", diffusion, "dpm++", 20),
    ("flow", flow, "euler", 50),
    ("flow", flow, "heun", 20),
):
    generators = [torch.Generator().manual_seed(i) for i in range(4)]
    plan = Plan(process, sampler=sampler, steps=steps)
    z = sample_latents(perfect(process), torch.zeros(4, 1), SHAPE, generators, plan).latents
    print(f"{kind:<9} {sampler:<5} {steps:>5} steps  mean {z.mean():.3f}, standard deviation {z.std():.3f}")
