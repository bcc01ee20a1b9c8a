"""The stages in order, skipping what is done."""

from tlesynth.pipeline.run import Outcome, run
from tlesynth.pipeline.stages import STAGES, Context, Stage

__all__ = ["STAGES", "Context", "Outcome", "Stage", "run"]
