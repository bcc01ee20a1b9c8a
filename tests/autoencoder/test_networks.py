"""The autoencoder has the paper's shapes, its noise is an argument, and it owns its latent's mean and scale."""

import pytest
import torch

from tlesynth.autoencoder.networks import LEAST_SIGNAL, Autoencoder, discriminator
from tlesynth.errors import TlesynthError
from tlesynth.recipe import AdversarialPhase, AutoencoderNetwork
from tlesynth.volume import GRIDS, Grid

SMALL = Grid("small", (8, 12, 8), 3.0, (0.0, 0.0, 0.0))
TINY = AutoencoderNetwork(channels=(4, 8, 8), norm_groups=2)


def network() -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(TINY, SMALL)


def test_the_papers_shapes_and_sizes() -> None:
    with torch.device("meta"):
        paper = Autoencoder(AutoencoderNetwork(), GRIDS["mni-1.5mm"])
        made = paper(torch.empty(2, 1, 112, 136, 112), torch.empty(2, 4, 28, 34, 28))
    assert paper.latent_shape == (4, 28, 34, 28)
    assert made.x_hat.shape == (2, 1, 112, 136, 112)
    assert made.mean.shape == made.logvar.shape == (2, 4, 28, 34, 28)
    # No attention anywhere.
    assert not [name for name, _ in paper.named_modules() if "attn" in name]


def test_the_papers_discriminator_judges_patches() -> None:
    with torch.device("meta"):
        logits = discriminator(AdversarialPhase())(torch.empty(2, 1, 112, 136, 112))[-1]
    assert logits.shape == (2, 1, 12, 15, 12)


def test_a_grid_that_4_does_not_divide_is_refused() -> None:
    with pytest.raises(TlesynthError, match="CFG-003"):
        Autoencoder(TINY, Grid("odd", (8, 10, 8), 3.0, (0.0, 0.0, 0.0)))


def test_without_noise_the_mean_is_decoded_and_noise_changes_it() -> None:
    ours = network()
    x, zeros = torch.rand(1, 1, 8, 12, 8), torch.zeros(1, 4, 2, 3, 2)
    made = ours(x, zeros)
    torch.testing.assert_close(made.x_hat, ours.coder.decode(ours.encode(x)[0]))
    # At the first step the noise is small beside the mean.
    assert made.logvar.mean().item() == pytest.approx(-6, abs=1)
    assert not torch.equal(ours(x, torch.ones_like(zeros)).x_hat, made.x_hat)


def test_latents_are_normalised_and_come_back() -> None:
    ours = network().eval()
    x = torch.rand(2, 1, 8, 12, 8)
    plain = ours.to_latents(x)
    ours.latent_mean.copy_(torch.tensor([1.0, -1.0, 0.5, 0.0]))
    ours.latent_scale.copy_(torch.tensor([2.0, 4.0, 1.0, 0.5]))
    latents = ours.to_latents(x)
    torch.testing.assert_close(latents[:, 1], (plain[:, 1] + 1) / 4)
    x_hat = ours.from_latents(latents)
    assert x_hat.shape == x.shape and x_hat.min() >= 0 and x_hat.max() <= 1
    plainly = ours(x, torch.zeros(2, 4, 2, 3, 2)).x_hat.clamp(0, 1)
    torch.testing.assert_close(x_hat, plainly.where(plainly >= LEAST_SIGNAL, 0), rtol=1e-4, atol=1e-5)
    assert (plainly < LEAST_SIGNAL).any() and (plainly > LEAST_SIGNAL).any()


def test_the_fingerprint_sees_every_weight_the_scale_and_the_grid() -> None:
    first, second = network(), network()
    assert first.fingerprint == second.fingerprint
    second.latent_scale[0] = 3
    third = network()
    next(third.parameters()).data[0] += 1
    moved = Autoencoder(TINY, Grid("small", SMALL.shape, 3.0, (1.0, 0.0, 0.0)))
    moved.load_state_dict(first.state_dict())
    assert len({n.fingerprint for n in (first, second, third, moved)}) == 4
