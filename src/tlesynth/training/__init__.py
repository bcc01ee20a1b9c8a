"""The one step loop of the package, on Lightning Fabric.

A model gives it a loss; it gives back a run folder. Training is a list of segments, each a turn of one learner or of
several step by step, so that the paper's alternation of autoencoder and discriminator, and the joint schedule of
others, are data, not control flow. Every draw is keyed by the learner's own step count, and a checkpoint holds all
that decides the next step: the same command resumes to the same bits. A step whose loss or gradient is not finite is
refused.
"""

from tlesynth.training.device import device_of, fabric_for, require_device
from tlesynth.training.learners import Ema, Learner, Loss, Order, Position, Segment
from tlesynth.training.loop import train
from tlesynth.training.rhythm import Limits, Rhythm, every

__all__ = [
    "Ema",
    "Learner",
    "Limits",
    "Loss",
    "Order",
    "Position",
    "Rhythm",
    "Segment",
    "device_of",
    "every",
    "fabric_for",
    "require_device",
    "train",
]
