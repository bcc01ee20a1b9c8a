"""Is the synthetic cohort any good? Traffic lights, each from figures of results.json, their intervals and limits."""

from tlesynth.evaluation.verdict.judging import judge
from tlesynth.evaluation.verdict.section import verdict
from tlesynth.evaluation.verdict.table import verdict_table

__all__ = ["judge", "verdict", "verdict_table"]
