"""Both models together sample as ``tune`` chose, and draw what a request leaves open."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tlesynth import durable
from tlesynth.diffusion.completion import fit_completion
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


def test_what_a_request_leaves_open_is_drawn_by_name_and_seed(models: tuple[Path, Path]) -> None:
    loaded = synthesizer_of(*models, Sample(sampler="ddpm", steps=9), seed=1, device="cpu")
    ages = torch.linspace(0, 1, 21)  # the patients of this training set are its older half
    told = torch.stack([(ages > 0.5).float(), torch.full_like(ages, torch.nan), ages], 1)
    completion = fit_completion(told, loaded.diffusion.conditions, ("age",))
    drawing = replace(loaded, diffusion=replace(loaded.diffusion, completion=completion))
    patients = [Subject(f"sub-syn{i:02d}", {"group": "tle"}) for i in range(20)]
    drawn = [float(s.asked["age"]) for s in drawing.completed(patients)]
    assert sum(drawn) / 20 == pytest.approx(50, abs=3) and len(set(drawn)) == 20
    assert [float(s.asked["age"]) for s in drawing.completed(patients[7:9])] == drawn[7:9]
    facts = drawing.sidecar(drawing.completed(patients)[0], 0)
    assert facts["Conditions"] == {"group": "tle", "age": f"{drawn[0]:.6g}"}
    other = [float(s.asked["age"]) for s in replace(drawing, seed=2).completed(patients)]
    assert other != drawn
    untouched = [Subject("sub-syn01", {"group": "hc", "age": "33"}), Subject("sub-syn02")]
    assert drawing.completed(untouched) == untouched
    assert loaded.completed(patients) == patients
