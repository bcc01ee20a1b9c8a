"""The one step loop of the package, on Lightning Fabric.

A model gives it a loss; it gives back a run folder. Training is a list of segments, each a turn of one learner, so
that the paper's alternation of autoencoder and discriminator is data, not control flow. Every draw is keyed by the
learner's own step count, and a checkpoint holds all that decides the next step: the same command resumes to the same
bits.
"""

from tlesynth.training.learners import Ema, Learner, Order, Position, Segment
from tlesynth.training.loop import fabric_for, train

__all__ = ["Ema", "Learner", "Order", "Position", "Segment", "fabric_for", "train"]
