"""A saved autoencoder comes back bit for bit, and a damaged or foreign folder is refused."""

import json
from pathlib import Path

import pytest
import torch

from tlesynth.autoencoder.model import load_autoencoder, save_autoencoder
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.durable import MANIFEST, manifest_of, write_json
from tlesynth.errors import TlesynthError
from tlesynth.recipe import AutoencoderNetwork
from tlesynth.volume import GRIDS

FACTS = {
    "scans": 12,
    "validation_scans": 3,
    "steps": 40,
    "best_step": 30,
    "phase": "adversarial",
    "perceptual": "ssim3d",
    "validation": {"score": 0.25, "l1": 0.03},
}


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Autoencoder, Path]:
    network = Autoencoder(AutoencoderNetwork(channels=(4, 8, 8), norm_groups=2), GRIDS["mni-3mm"])
    network.latent_scale.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    save_autoencoder(tmp_path / "model", network, FACTS)
    return network, tmp_path / "model"


def rewrite_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text()) | changes
    write_json(folder / "config.json", config)
    write_json(folder / MANIFEST, manifest_of(folder))


def test_round_trip(saved: tuple[Autoencoder, Path]) -> None:
    network, folder = saved
    back = load_autoencoder(folder)
    assert back.fingerprint == network.fingerprint and back.grid == network.grid
    for name, tensor in network.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor)
    assert not any(p.requires_grad for p in back.parameters())
    names = {file.name for file in folder.iterdir()}
    assert names == {"config.json", "autoencoder.safetensors", "README.md", "manifest.json"}


def test_the_card_tells_grid_size_and_limits(saved: tuple[Autoencoder, Path]) -> None:
    network, folder = saved
    card = (folder / "README.md").read_text()
    for words in ("56 x 68 x 56", "4 x 14 x 17 x 14", "12 scans", "Not for diagnosis", network.fingerprint):
        assert words in card


@pytest.mark.parametrize("name", ["autoencoder.safetensors", "config.json", "README.md"])
def test_one_flipped_bit_is_refused(saved: tuple[Autoencoder, Path], name: str) -> None:
    _, folder = saved
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(bytes(data))
    with pytest.raises(TlesynthError, match="CKP-001"):
        load_autoencoder(folder)


def test_a_missing_folder_another_format_and_another_grid_are_refused(saved: tuple[Autoencoder, Path]) -> None:
    _, folder = saved
    with pytest.raises(TlesynthError, match="MOD-004"):
        load_autoencoder(folder.parent / "nothing")
    for changes in ({"format": "other"}, {"grid": "mni-7mm"}, {"grid_fingerprint": "0"}, {"network": {"layers": 3}}):
        original = (folder / "config.json").read_text()
        rewrite_config(folder, **changes)
        with pytest.raises(TlesynthError, match="MOD-004"):
            load_autoencoder(folder)
        (folder / "config.json").write_text(original)


@pytest.mark.parametrize("key", ["network", "grid", "grid_fingerprint", "fingerprint"])
def test_a_config_that_lacks_a_key_is_refused_by_its_name(saved: tuple[Autoencoder, Path], key: str) -> None:
    _, folder = saved
    config = json.loads((folder / "config.json").read_text())
    del config[key]
    for left in (config, [config]):
        write_json(folder / "config.json", left)
        write_json(folder / MANIFEST, manifest_of(folder))
        with pytest.raises(TlesynthError, match="MOD-004") as caught:
            load_autoencoder(folder)
        assert caught.value.exit_status == 5 and (key in caught.value.why or left is not config)


def test_weights_of_another_model_are_refused(saved: tuple[Autoencoder, Path]) -> None:
    _, folder = saved
    rewrite_config(folder, fingerprint="0" * 64)
    with pytest.raises(TlesynthError, match="CKP-001"):
        load_autoencoder(folder)
