"""Both models together sample as ``tune`` chose."""

from pathlib import Path

import pytest

from tlesynth import durable
from tlesynth.diffusion.tune import NAME
from tlesynth.recipe import Sample
from tlesynth.synthesis.requests import Subject
from tlesynth.synthesis.synthesizer import synthesizer_of


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
