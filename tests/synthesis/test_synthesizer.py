"""What a decoded volume keeps, and the way of sampling that ``tune`` chose."""

from pathlib import Path

import numpy as np
import pytest

from tlesynth import durable
from tlesynth.diffusion.tune import NAME
from tlesynth.recipe import Sample
from tlesynth.synthesis.requests import Subject
from tlesynth.synthesis.synthesizer import brain_only, synthesizer_of


def test_the_background_is_exactly_zero() -> None:
    volume = np.full((30, 30, 30), 0.02, np.float32)
    volume[8:22, 8:22, 8:22] = 0.7
    volume[14, 14, 14] = 0.0  # a dark voxel inside the brain stays inside
    volume[2, 2, 2] = 0.9  # a bright speck is no brain
    volume[25:29, 25:29, 25:29] = 1.4  # nor is a smaller object
    found = brain_only(volume)
    assert found[10, 10, 10] == np.float32(0.7) and found[14, 14, 14] == 0
    assert (found > 0).sum() == 14**3 - 1
    assert not brain_only(np.full((30, 30, 30), 0.01, np.float32)).any()


def test_it_samples_as_tune_chose_for_these_weights(
    models: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    plain = Sample(sampler="ddpm", steps=9, guidance=1.0)
    asked = plain.model_copy(update={"tuned": True})
    file, chosen = models[1].parent / NAME, {"steps": 4, "guidance": 2.0, "distance": 1.0, "passes": 8}
    told = {"sampler": "ddim", "guidance_interval": [0.1, 0.8], "chosen": chosen}
    before = synthesizer_of(*models, asked, seed=1, device="cpu")
    assert before.settings == asked and "tlesynth tune" in capsys.readouterr().err
    try:
        durable.write_json(file, told | {"model": "0" * 64})
        assert synthesizer_of(*models, asked, seed=1, device="cpu").settings == asked
        assert "is not there for these weights" in capsys.readouterr().err
        durable.write_json(file, told | {"model": before.diffusion.fingerprint})
        assert synthesizer_of(*models, plain, seed=1, device="cpu").settings == plain
        made = synthesizer_of(*models, asked, seed=1, device="cpu")
    finally:
        file.unlink()
    assert capsys.readouterr().err == ""
    assert (made.plan.sampler, made.plan.steps, made.plan.guidance) == ("ddim", 4, 2.0)
    assert made.plan.guidance_interval == (0.1, 0.8) and made.plan.passes < 8
    facts = made.sidecar(Subject("sub-syn0001"), 0)
    assert facts["Sampler"] == "ddim" and facts["Steps"] == 4 and facts["GuidanceScale"] == 2.0
