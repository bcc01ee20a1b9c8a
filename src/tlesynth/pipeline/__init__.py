"""The stages in order, skipping what is done."""

from tlesynth.pipeline.run import Outcome, run_stages
from tlesynth.pipeline.stages import STAGES, Context, Stage

__all__ = ["STAGES", "Context", "Outcome", "Stage", "run_stages"]
