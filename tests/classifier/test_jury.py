"""Several classifiers judge by the mean of their probabilities; other tasks or grids cannot sit together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tlesynth.classifier.jury import Jury, jury_of
from tlesynth.classifier.model import TrainedClassifier, load, save
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Classifier

from .conftest import GRID

VOLUME = np.random.default_rng(0).random(GRID.shape).astype(np.float32)


@pytest.fixture(scope="module")
def members(trained: Path) -> tuple[TrainedClassifier, TrainedClassifier]:
    return load(trained / "real" / "model"), load(trained / "synthetic" / "model")


def test_one_judges_as_it_does_alone(members: tuple[TrainedClassifier, TrainedClassifier]) -> None:
    said = Jury(members[:1]).opinion(VOLUME)
    assert said.probability == pytest.approx(members[0].probabilities(VOLUME[None])[0])
    assert 0 <= said.low <= said.probability <= said.high <= 1
    assert said.called == ("tle" if said.probability >= members[0].config.youden_threshold else "hc")


def test_several_judge_by_their_mean_and_disagreement_widens(
    members: tuple[TrainedClassifier, TrainedClassifier],
) -> None:
    alone = [Jury((member,)).opinion(VOLUME) for member in members]
    together = Jury(members).opinion(VOLUME)
    assert together.probability == pytest.approx(np.mean([said.probability for said in alone]))
    assert min(said.low for said in alone) <= together.low and together.high <= max(said.high for said in alone)


def test_a_run_folder_gives_its_model_and_tasks_do_not_mix(
    trained: Path, members: tuple[TrainedClassifier, TrainedClassifier], tmp_path: Path
) -> None:
    assert jury_of([trained / "real"]).classes == ("hc", "tle")
    other = members[0].config.model_copy(update={"settings": Classifier(network="test_efficientnet", task="side")})
    save(tmp_path / "side", replace(members[0], config=other))
    assert jury_of([tmp_path / "side"]).classes == ("right", "left")
    with pytest.raises(TlesynthError, match="CFG-003"):
        jury_of([trained / "real", tmp_path / "side"])
    with pytest.raises(TlesynthError, match="MOD-004"):
        jury_of([tmp_path])
