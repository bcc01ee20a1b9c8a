"""Coronal slices become channels, weights come from the seed, and an unknown network is named."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from tlesynth import weights
from tlesynth.classifier.networks import IMAGENET, build, coronal_channels, start_from_imagenet
from tlesynth.errors import TlesynthError


def test_coronal_slices_are_the_channels() -> None:
    volumes = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    images = coronal_channels(volumes)
    assert images.shape == (2, 4, 3, 5)
    assert (images[1, 2] == volumes[1, :, 2, :]).all()


def test_one_logit_per_volume() -> None:
    assert build("test_efficientnet", 36, seed=0)(torch.rand(2, 32, 36, 32)).shape == (2,)


def test_weights_come_from_the_seed_and_leave_the_global_one_alone() -> None:
    torch.manual_seed(5)
    before = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = (build("test_efficientnet", 8, seed=s).state_dict() for s in (1, 1, 2))
    assert torch.rand(1) == before
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert any(not torch.equal(first[k], other[k]) for k in first)


def test_an_unknown_network_is_refused_with_a_suggestion() -> None:
    with pytest.raises(TlesynthError) as caught:
        build("tf_efficientnetv2_q", 8, seed=0)
    assert caught.value.code == "CFG-002" and "tf_efficientnetv2_" in str(caught.value)


def test_equal_slices_start_as_equal_colours_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setitem(IMAGENET, "test_efficientnet", "efficientnetv2-s")
    made = build("test_efficientnet", 8, seed=0)
    with pytest.raises(TlesynthError, match=r"WTS-001.*tlesynth weights fetch efficientnetv2-s"):
        start_from_imagenet(made, "test_efficientnet")
    coloured = timm.create_model("test_efficientnet", num_classes=10).eval()
    save_file(coloured.state_dict(), tmp_path / "efficientnetv2-s.safetensors")
    start_from_imagenet(made, "test_efficientnet")
    plane = torch.rand(2, 1, 32, 32)
    seen = made.eval().backbone.forward_features(plane.expand(-1, 8, -1, -1))
    assert torch.allclose(seen, coloured.forward_features(plane.expand(-1, 3, -1, -1)), atol=1e-4)
    with pytest.raises(TlesynthError, match=r"CFG-002.*pretrained"):
        start_from_imagenet(made, "test_vit")
