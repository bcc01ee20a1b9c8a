"""The forward process: how latents are noised, what a network predicts of it, and when it is asked in training."""

from tlesynth.diffusion.process.building import process_of, read_process
from tlesynth.diffusion.process.loss import squared_error
from tlesynth.diffusion.process.process import Process
from tlesynth.diffusion.process.rectified_flow import RectifiedFlow
from tlesynth.diffusion.process.texture import Texture
from tlesynth.diffusion.process.variance_preserving import VariancePreserving

__all__ = ["Process", "RectifiedFlow", "Texture", "VariancePreserving", "process_of", "read_process", "squared_error"]
