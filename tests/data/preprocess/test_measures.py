from dataclasses import fields

from tlesynth.data.preprocess.measures import MEASURES
from tlesynth.data.preprocess.quality import Quality
from tlesynth.recipe.quality import QualityLimits


def test_every_measure_has_words_and_every_limit_a_measure() -> None:
    assert set(MEASURES) == {f.name for f in fields(Quality)} | {"homogeneity"}
    assert set(QualityLimits().limits()) <= set(MEASURES)
    assert len({m.words for m in MEASURES.values()}) == len(MEASURES)
