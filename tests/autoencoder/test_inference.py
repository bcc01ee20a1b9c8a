"""A frozen coder runs as it is told to, and says the same thing in any precision and in any tiles, as far as it can."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from tlesynth.autoencoder.inference import frozen
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.recipe import AutoencoderNetwork, Inference
from tlesynth.volume import Grid

ODD = Grid("odd", (52, 36, 44), 3.0, (0.0, 0.0, 0.0))
TILES = Inference(tile=(8, 8, 8), overlap=4)


def network(design: str = "monai") -> Autoencoder:
    torch.manual_seed(0)
    channels = (8, 8, 8) if design == "monai" else (8, 16)
    settings = AutoencoderNetwork.model_validate({"design": design, "channels": channels, "norm_groups": 2})
    made = Autoencoder(settings, ODD).requires_grad_(False).eval()
    for parameter in made.coder.parameters():
        if not parameter.any():  # a lean coder's convolutions say nothing before training
            nn.init.normal_(parameter, std=0.1)
    return made


class Plain(nn.Module):
    """A coder without statistics of the whole volume."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv3d(1, 4, 4, stride=4), nn.ConvTranspose3d(4, 1, 4, stride=4)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.down(x), self.down(x) - 6

    def decode(self, latent: Tensor) -> Tensor:
        return self.up(latent)


def test_tiles_are_the_whole_for_a_coder_without_normalisation() -> None:
    coder = Plain().requires_grad_(False)
    whole, tiled = (frozen(coder, settings, torch.device("cpu"), 4) for settings in (Inference(), TILES))
    x = torch.rand(1, 1, *ODD.shape)
    for made, wanted in zip(tiled.encode(x), whole.encode(x), strict=True):
        torch.testing.assert_close(made, wanted, rtol=1e-5, atol=1e-5)
    z = whole.encode(x)[0]
    torch.testing.assert_close(tiled.decode(z), whole.decode(z), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("design", ["monai", "lean"])
def test_bfloat16_is_within_two_per_cent_and_leaves_the_weights_alone(design: str) -> None:
    ours = network(design)
    x = torch.rand(1, 1, *ODD.shape)
    mean, _ = ours.encode(x)
    decoded, fingerprint = ours.coder.decode(mean), ours.fingerprint
    ours.run_as(Inference(precision="bf16-true"))
    made, logvar = ours.encode(x)
    assert made.dtype == logvar.dtype == torch.float32
    assert (made - mean).norm() <= 0.02 * mean.norm() + 1e-6
    again = ours.from_latents(ours.normalise(mean))
    assert again.dtype == torch.float32
    plainly = decoded.clamp(0, 1)
    assert (again - plainly.where(plainly >= 0.04, 0)).abs().mean() <= 0.02 * plainly.abs().mean() + 1e-3
    assert ours.fingerprint == fingerprint and next(ours.parameters()).dtype == torch.float32


def test_the_recipes_tiles_are_used_for_encoding_and_decoding() -> None:
    ours = network()
    x = torch.rand(1, 1, *ODD.shape)
    whole = ours.to_latents(x)
    decoded = ours.from_latents(whole)
    ours.run_as(TILES)
    seen: list[tuple[int, ...]] = []
    plain_encode, plain_decode = ours.coder.encode, ours.coder.decode
    ours.coder.encode = lambda tile: seen.append(tuple(tile.shape[2:])) or plain_encode(tile)  # type: ignore[method-assign]
    ours.coder.decode = lambda tile: seen.append(tuple(tile.shape[2:])) or plain_decode(tile)  # type: ignore[method-assign]
    tiled, again = ours.to_latents(x), ours.from_latents(whole)
    assert max(seen) == (32, 32, 32) and (8, 8, 8) in seen
    assert tiled.shape == whole.shape and again.shape == decoded.shape
    # Group normalisation sees a tile instead of the volume: close, not equal.
    assert 0 < (tiled - whole).norm() < 0.5 * whole.norm()


@pytest.mark.parametrize(
    "wrong", [{"tile": (7, 16, 16)}, {"tile": (15, 16, 16), "overlap": 8}, {"overlap": 3}, {"tile": "auto"}]
)
def test_tiles_that_cannot_work_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        Inference.model_validate(wrong)
