"""A process goes through the model folder's JSON, and diffusers reads the same."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import DDPMScheduler, FlowMatchEulerDiscreteScheduler

from tlesynth.diffusion.process import Process, RectifiedFlow, read_process
from tlesynth.errors import TlesynthError

from ..gaussian import KINDS, process


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_described_is_read_back(kind: str) -> None:
    written = json.loads(json.dumps(process(kind, "stratified").described()))
    read = read_process(written, Path("model"))
    assert isinstance(read, Process)
    assert type(read) is type(process(kind))
    assert (read.prediction, read.timesteps) == (kind, 1000)
    times = torch.tensor([0.0, 500.0, 999.0])
    assert all(torch.equal(x, y) for x, y in zip(read.scales(times), process(kind).scales(times), strict=True))


@pytest.mark.parametrize(("kind", "family"), [("epsilon", DDPMScheduler), ("flow", FlowMatchEulerDiscreteScheduler)])
def test_diffusers_reads_it_from_the_folder(kind: str, family: type, tmp_path: Path) -> None:
    described = process(kind).described()
    assert described["_class_name"] == family.__name__
    (tmp_path / "scheduler_config.json").write_text(json.dumps(described))
    assert family.from_pretrained(tmp_path).config["num_train_timesteps"] == 1000


def test_a_process_that_is_not_ours_is_refused() -> None:
    flow = RectifiedFlow().described()
    strange = [{}, {"_class_name": "PNDMScheduler"}, {"_class_name": "DDPMScheduler", "prediction_type": "sample"}]
    for described in [*strange, flow | {"shift": 3.0}, flow | {"use_dynamic_shifting": True}]:
        with pytest.raises(TlesynthError) as caught:
            read_process(described, "model")
        assert caught.value.code == "MOD-004"
