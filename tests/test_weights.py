"""Pretrained networks are found, verified or refused; nothing is fetched unless asked."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torchvision.models import AlexNet, SqueezeNet

from tlesynth import durable, weights
from tlesynth.errors import TlesynthError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty weights folder, and a cache folder that is empty too."""
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path / "weights"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


def trunk(kind: type[torch.nn.Module], **arguments: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    state = kind(**arguments).state_dict()
    return {name: tensor for name, tensor in state.items() if name.startswith("features.")}


def as_official(monkeypatch: pytest.MonkeyPatch, name: str, digest: str) -> None:
    """Let the registry publish ``digest`` for ``name``, as the official file names do."""
    known = weights.SOURCES[name]
    url = f"https://example.org/models/{name}-{digest[:8]}.pth"
    monkeypatch.setitem(weights.SOURCES, name, weights.Source(lambda: url, known.kept, known.files))


def test_official_addresses_carry_a_checksum() -> None:
    for name in weights.NAMES:
        assert weights.CHECKSUM.search(weights.SOURCES[name].url()), name


def test_missing_weights_name_the_command() -> None:
    assert weights.available() == []
    with pytest.raises(TlesynthError, match=r"WTS-001.*tlesynth weights fetch alexnet") as error:
        weights.lpips_network("alex")
    assert error.value.exit_status == 5
    with pytest.raises(TlesynthError, match="CFG-002"):
        weights.find("vgg")


def test_the_named_folder_wins_over_the_cache(folder: Path, tmp_path: Path) -> None:
    cached = tmp_path / "cache" / "tlesynth" / "weights" / "alexnet.safetensors"
    cached.parent.mkdir(parents=True)
    save_file({"a": torch.zeros(1)}, cached)
    assert weights.find("alexnet") == cached and weights.available() == ["alexnet"]
    save_file({"a": torch.zeros(1)}, folder / "alexnet.safetensors")
    assert weights.find("alexnet").parent == folder


def test_an_official_file_is_converted_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "downloaded.pth"
    state = trunk(AlexNet) | {"classifier.1.weight": torch.zeros(3)}
    torch.save(state, file)
    as_official(monkeypatch, "alexnet", durable.sha256(file))
    target = weights.add("alexnet", file)
    assert target == folder / "alexnet.safetensors"
    kept = load_file(target)
    assert set(kept) == set(trunk(AlexNet))
    assert weights.provenance("alexnet")["source_sha256"] == durable.sha256(file)


def test_a_file_with_another_checksum_is_refused(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "alexnet-owt-7be5be79.pth"
    torch.save(trunk(AlexNet), file)
    with pytest.raises(TlesynthError, match="WTS-002"):
        weights.add("alexnet", file)
    with pytest.raises(TlesynthError, match="WTS-001"):
        weights.add("alexnet", tmp_path / "nothing.pth")
    assert not list(folder.iterdir())


def test_lpips_is_zero_for_equal_images_and_frozen(folder: Path) -> None:
    save_file(trunk(AlexNet), folder / "alexnet.safetensors")
    before = torch.get_rng_state()
    network = weights.lpips_network("alex")
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(p.requires_grad for p in network.parameters()) and not network.training
    a, b = torch.rand(2, 3, 64, 64) * 2 - 1, torch.rand(2, 3, 64, 64) * 2 - 1
    assert network(a, a).abs().max().item() == 0
    assert network(a, b).shape == (2, 1, 1, 1) and network(a, b).min() > 0
    assert weights.lpips_name("alex") == "lpips-alex"


def test_lpips_uses_our_trunk_and_no_random_one(folder: Path) -> None:
    """With a trunk of zeros all images have the same features."""
    state = {name: torch.zeros_like(tensor) for name, tensor in trunk(AlexNet).items()}
    save_file(state, folder / "alexnet.safetensors")
    network = weights.lpips_network("alex")
    assert network(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)).item() == 0


def test_a_ported_squeezenet_says_so(folder: Path) -> None:
    save_file(trunk(SqueezeNet, version="1_1"), folder / weights.PORTED_SQUEEZENET)
    assert weights.lpips_name("squeeze") == "lpips-squeeze (caffe port)"
    assert weights.lpips_network("squeeze")(torch.zeros(1, 3, 64, 64), torch.ones(1, 3, 64, 64)).item() > 0


def test_damaged_weights_are_refused(folder: Path) -> None:
    path = folder / "alexnet.safetensors"
    path.write_bytes(b"no tensors here")
    with pytest.raises(TlesynthError, match="WTS-002"):
        weights.lpips_network("alex")
    save_file({"features.0.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(TlesynthError, match="WTS-002"):
        weights.lpips_network("alex")


def test_inception_takes_our_tensors_without_a_network(folder: Path) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Unloaded(FeatureExtractorInceptionV3):
        def load_state_dict(self, *_: object, **__: object) -> None:
            """Keep the random weights."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: {})
        random = Unloaded("random", ["2048"])
    save_file(random.state_dict(), folder / "inception-v3.safetensors")
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    (ours,) = weights.inception_network()(images)
    assert ours.shape == (2, 2048)
    torch.testing.assert_close(ours, random(images)[0])
    save_file({"fc.bias": torch.zeros(1008)}, folder / "inception-v3.safetensors")
    with pytest.raises(TlesynthError, match="WTS-002"):
        weights.inception_network()
