"""The report: one self-contained page made from the files of a run, in which every number names its source."""

from tlesynth.report.page import build

__all__ = ["build"]
