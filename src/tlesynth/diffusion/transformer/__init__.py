"""DiT-3D: the transformer that predicts noise or velocity of a latent, its parts, and the kernels it runs on."""

from tlesynth.diffusion.transformer.network import DiT3D
from tlesynth.diffusion.transformer.patches import check_patch

__all__ = ["DiT3D", "check_patch"]
