"""The autoencoder has the paper's shapes, its noise is an argument, and it owns its latent's mean and scale."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from tlesynth import recipe
from tlesynth.autoencoder.discriminator import PatchDiscriminator
from tlesynth.autoencoder.networks import LEAST_SIGNAL, Autoencoder
from tlesynth.errors import TlesynthError
from tlesynth.recipe import AdversarialPhase, AutoencoderNetwork, Inference
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
        logits = PatchDiscriminator(AdversarialPhase())(torch.empty(2, 1, 112, 136, 112))[-1]
    assert logits.shape == (2, 1, 12, 15, 12)


def test_a_grid_that_4_does_not_divide_is_refused_with_the_nearest_that_it_does() -> None:
    with pytest.raises(TlesynthError) as caught:
        Autoencoder(TINY, Grid("odd", (8, 10, 113), 3.0, (0.0, 0.0, 0.0)))
    assert caught.value.code == "CFG-003"
    assert "crop it to 8 x 8 x 112 or pad it with background to 8 x 12 x 116" in str(caught.value)


PRESETS = {
    "paper": AutoencoderNetwork(),
    "maisi": AutoencoderNetwork(residual_blocks=2, upsampling="trilinear"),
    "lean": recipe.load("recommended").autoencoder.network,
}
"""Every kind of network at full width."""


@pytest.mark.parametrize("settings", PRESETS.values(), ids=PRESETS)
@pytest.mark.parametrize("precision", ["32-true", "bf16-true"])
def test_any_sides_that_4_divides_work_in_any_precision(settings: AutoencoderNetwork, precision: str) -> None:
    torch.manual_seed(0)
    for shape in [(4, 20, 12), (20, 28, 36)] if settings.design == "monai" else [(8, 4, 12), (20, 28, 36), (36, 52, 4)]:
        grid = Grid("odd", shape, 3.0, (0.0, 0.0, 0.0))
        ours = (
            Autoencoder(settings, grid).requires_grad_(False).run_as(Inference.model_validate({"precision": precision}))
        )
        latents = ours.to_latents(torch.rand(1, 1, *shape))
        x_hat = ours.from_latents(latents)
        assert latents.shape[1:] == ours.latent_shape and x_hat.shape == (1, 1, *shape)
        assert bool(latents.isfinite().all()) and bool(x_hat.isfinite().all())


class Operations(TorchDispatchMode):
    """Every operation that is done, forwards and backwards."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(func.__name__.split(".")[0])
        return func(*args, **(kwargs or {}))


UNREPEATABLE = ("avg_pool3d", "max_pool3d", "upsample_", "reflection_pad", "replication_pad", "grid_sample")
"""Operations without a deterministic backward pass on CUDA; convolutions, transposed ones too, have one when asked."""


@pytest.mark.parametrize("settings", PRESETS.values(), ids=PRESETS)
def test_a_training_step_does_nothing_that_cuda_cannot_repeat(settings: AutoencoderNetwork) -> None:
    grid = Grid("small", (48, 56, 48), 3.0, (0.0, 0.0, 0.0))
    with torch.device("meta"):
        ours, opponent = Autoencoder(settings, grid), PatchDiscriminator(AdversarialPhase())
        x, noise = torch.empty(1, 1, *grid.shape), torch.empty(1, 4, 12, 14, 12)
    with Operations() as done:
        opponent(ours(x, noise).x_hat)[-1].mean().backward()
    assert "convolution_backward" in done.names
    assert not [name for name in done.names if any(word in name for word in UNREPEATABLE)]


def test_the_recommended_decoder_stays_below_its_budget_of_operations() -> None:
    with torch.device("meta"):
        ours = Autoencoder(recipe.load("recommended").autoencoder.network, GRIDS["mni-1.5mm"])
        latent = torch.empty(1, *ours.latent_shape)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        ours.coder.decode(latent)
    assert 50e9 < counter.get_total_flops() <= 450e9


def test_folding_takes_fewer_operations_than_the_doubled_grid() -> None:
    def flops(upsampling: str) -> int:
        settings = AutoencoderNetwork.model_validate({"upsampling": upsampling, "residual_blocks": 2})
        with torch.device("meta"):
            ours = Autoencoder(settings, GRIDS["mni-1.5mm"])
            latent = torch.empty(1, *ours.latent_shape)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            ours.coder.decode(latent)
        return counter.get_total_flops()

    assert flops("trilinear") == pytest.approx(5.52e12, rel=0.02)
    assert flops("nearest") == pytest.approx(3.93e12, rel=0.02)


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


def test_a_voxel_that_is_not_finite_is_not_background() -> None:
    ours = network().requires_grad_(False)
    made = torch.tensor([[0.5, float("nan"), float("inf"), -float("inf"), 0.01, 2.0]])
    ours.coder.decode = lambda latent: made  # ty: ignore[invalid-assignment]
    found = ours.from_latents(torch.zeros(1, *ours.latent_shape))[0]
    assert found.isnan().tolist() == [False, True, True, True, False, False]
    assert found[[0, 4, 5]].tolist() == [0.5, 0.0, 1.0]


def test_the_fingerprint_sees_every_weight_the_scale_and_the_grid() -> None:
    first, second = network(), network()
    assert first.fingerprint == second.fingerprint
    second.latent_scale[0] = 3
    third = network()
    next(third.parameters()).data[0] += 1
    moved = Autoencoder(TINY, Grid("small", SMALL.shape, 3.0, (1.0, 0.0, 0.0)))
    moved.load_state_dict(first.state_dict())
    assert len({n.fingerprint for n in (first, second, third, moved)}) == 4
