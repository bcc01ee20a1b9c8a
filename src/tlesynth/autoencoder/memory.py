"""How much of a graphics card training and decoding take, counted on networks that have shapes but no values.

Counted exactly: weights, gradients, optimiser states, the average, the activations kept for the backward pass, and the
most that lives at any moment of a step, under the casts that autocast makes on CUDA. Assumed: ``CONTEXT`` for CUDA
itself, and for the workspace of a convolution as much as its input and output, of the largest one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from tlesynth import recipe
from tlesynth.autoencoder.coders.lean import VoxelNorm
from tlesynth.autoencoder.discriminator import PatchDiscriminator
from tlesynth.autoencoder.inference import frozen
from tlesynth.autoencoder.learning import losses
from tlesynth.autoencoder.learning.adversarial import FORMS
from tlesynth.autoencoder.networks import COMPRESSION, Autoencoder, Network, Reconstruction
from tlesynth.training.footprint import Footprint, footprint, normalising_as_on_cuda
from tlesynth.training.optimizers import state_bytes
from tlesynth.volume import Grid

CONTEXT = 800_000_000
"""Bytes that CUDA and its libraries take before the first tensor; 0.5 to 0.8 GB, by card and version."""
USABLE = 0.95
"""Share of a card's memory that a program gets."""
CARDS = (8, 12, 24, 80)
"""GiB."""


@dataclass(frozen=True)
class Memory:
    """Bytes: ``resident`` from step to step, ``kept`` for the backward pass, ``passing`` beyond that at the peak."""

    resident: int
    kept: int
    passing: int
    workspace: int

    @property
    def total(self) -> int:
        """What the card must hold."""
        return self.resident + self.kept + self.passing + self.workspace + CONTEXT

    def fits(self, card: int) -> bool:
        """Whether a card of ``card`` GiB holds it."""
        return self.total <= USABLE * card * 2**30


def training_memory(settings: recipe.Autoencoder, grid: Grid, precision: str) -> Memory:
    """Of the step of ``settings`` that needs most, on volumes of ``grid`` or the recipe's crops of it.

    Raises:
        TlesynthError: CFG-003 if the grid's sides are not divisible by 4.
    """
    with FakeTensorMode(), _autocast(precision):
        network = _as_cast(Autoencoder(settings.network, grid), precision)
        opponent = PatchDiscriminator(settings.adversarial_phase)
        judge = _perceptual_network(settings.perceptual)
        owned = [*_standing(network, opponent), *([*judge.parameters(), *judge.buffers()] if judge is not None else [])]
        steps = _steps(settings, network, opponent, judge)
        most = max((footprint(step, owned) for step in steps), key=lambda found: found.peak)
    return _memory(_resident(settings, network, opponent, judge), most)


def supervised_memory(
    build: Callable[[], nn.Module], inputs: Callable[[], tuple[Tensor, ...]], precision: str, copies: int
) -> Memory:
    """Of a step of any network on the batch that ``inputs`` makes; ``copies`` of its weights stay from step to step."""
    with FakeTensorMode(), _autocast(precision):
        network = _as_cast(build(), precision)
        found = footprint(lambda: network(*inputs()).float().square().mean(), _standing(network))
    return _memory(copies * _bytes(network), found)


def decoding_memory(network: recipe.AutoencoderNetwork, inference: recipe.Inference, grid: Grid) -> Memory:
    """Of decoding one latent to a volume of ``grid``, as ``inference`` wants it run."""
    half = inference.precision != "32-true"
    with FakeTensorMode(), _default_dtype(torch.bfloat16 if half else torch.float32):
        built = Autoencoder(network, grid).requires_grad_(False).eval()
        coder = frozen(
            built.coder, inference.model_copy(update={"precision": "32-true"}), built.latent_mean.device, COMPRESSION
        )
        coder = replace(coder, dtype=built.latent_mean.dtype)
        latent = torch.empty(1, *built.latent_shape, dtype=torch.float32)
        owned = [*built.parameters(), *built.buffers(), latent]
        found = footprint(lambda: coder.decode(latent), owned)
    # A copy in bfloat16 stands beside the float32 weights.
    weights = 3 * _bytes(built) if half else _bytes(built)
    return _memory(weights, replace(found, kept=0))


def thriftier(settings: recipe.Autoencoder, grid: Grid) -> Iterator[tuple[recipe.Autoencoder, str]]:
    """The same training with less memory, step by step, and the ``--set`` words that ask for it.

    One scan at a time and computing activations again leave the gradients as they are; crops do not.
    """
    words, batch = [], settings.reconstruction.batch_size
    if batch > 1:
        one = settings.reconstruction.model_copy(
            update={"batch_size": 1, "accumulate": batch * settings.reconstruction.accumulate}
        )
        settings = settings.model_copy(update={"reconstruction": one})
        words += ["autoencoder.reconstruction.batch_size=1", f"autoencoder.reconstruction.accumulate={one.accumulate}"]
        yield settings, " ".join(words)
    if not settings.network.checkpoint_activations:
        network = settings.network.model_copy(update={"checkpoint_activations": True})
        settings = settings.model_copy(update={"network": network})
        words += ["autoencoder.network.checkpoint_activations=true"]
        yield settings, " ".join(words)
    half = tuple(max(COMPRESSION, side // 2 // COMPRESSION * COMPRESSION) for side in settings.crop or grid.shape)
    if min(half) >= settings.least_side:
        words += [f"autoencoder.crop={list(half)}".replace(" ", "")]
        yield settings.model_copy(update={"crop": half}), " ".join(words)


def _steps(
    settings: recipe.Autoencoder, network: Autoencoder, opponent: nn.Module, judge: nn.Module | None
) -> list[Callable[[], Tensor]]:
    """The last part of a step of each way of learning, as ``learning`` takes it.

    All volumes and noise of a step are drawn together and stand through it. In the joint schedule the reconstructions
    of the parts before stand as well, and when the discriminator learns from them, those of all parts.
    """
    first, second = settings.reconstruction, settings.adversarial_phase
    batch, drawn = first.batch_size, first.batch_size * first.accumulate
    shape, form = settings.crop or network.grid.shape, FORMS[second.loss]
    latent = [side // COMPRESSION for side in shape]
    standing: list[Tensor] = []  # what is not freed before the backward pass has ended

    def volumes(number: int) -> Tensor:
        return torch.empty(number, 1, *shape).contiguous(memory_format=torch.channels_last_3d)

    def draw() -> tuple[Tensor, Tensor]:
        standing[:] = [volumes(drawn), torch.empty(drawn, network.settings.latent_channels, *latent)]
        x, noise = (whole[-batch:] for whole in standing)
        return x, noise

    def reconstruct() -> Tensor:
        x, noise = draw()
        return _terms(settings, judge, x, network(x, noise))

    def finetune() -> Tensor:
        opponent.requires_grad_(False)
        x, noise = draw()
        if second.schedule == "joint":
            standing.append(volumes(drawn - batch))
        made = network(x, noise)
        return _terms(settings, judge, x, made) + form.autoencoder(opponent(made.x_hat)[-1])

    def discriminate() -> Tensor:
        opponent.requires_grad_(True)
        x, noise = draw()
        with torch.no_grad():
            x_hat = network(x, noise).x_hat
        return form.discriminator(opponent(x)[-1], opponent(x_hat)[-1])

    def follow() -> Tensor:
        opponent.requires_grad_(True)
        x, _ = draw()
        standing.append(volumes(drawn))
        return form.discriminator(opponent(x)[-1], opponent(standing[-1][-batch:])[-1])

    if not second.rounds:
        return [reconstruct]
    return [finetune, discriminate] if second.schedule == "alternating" else [finetune, discriminate, follow]


def _terms(settings: recipe.Autoencoder, judge: nn.Module | None, x: Tensor, made: Reconstruction) -> Tensor:
    """The objective without the discriminator; of every plane's slices the recipe's share, as if none were empty."""
    total = losses.l1(x, made.x_hat) + losses.kl(made.mean, made.logvar)
    if judge is not None:
        counts = [max(1, round(settings.perceptual_slices * n)) for n in x.shape[2:]]
        planes = [[torch.zeros(count, dtype=torch.long) for _ in x] for count in counts]
        return total + losses.lpips_on_slices(judge, x, made.x_hat, planes)
    return total + losses.ssim3d(x, made.x_hat) if settings.perceptual == "ssim3d" else total


def _perceptual_network(name: str) -> nn.Module | None:
    """LPIPS without its weights, which memory does not depend on."""
    if not name.startswith("lpips-"):
        return None
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = lpips.LPIPS(net=name.removeprefix("lpips-"), pretrained=False, pnet_rand=True, verbose=False)
    return network.requires_grad_(False).eval()


def _standing(*networks: nn.Module) -> list[Tensor]:
    """What is there before a step: weights and buffers of what is trained, and gradients, given here."""
    parameters = [p for network in networks for p in network.parameters()]
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    gradients = [p.grad for p in parameters if p.grad is not None]
    return [*parameters, *gradients, *(b for network in networks for b in network.buffers())]


def _resident(settings: recipe.Autoencoder, network: nn.Module, opponent: nn.Module, judge: nn.Module | None) -> int:
    """Weights, gradients, an optimiser's state for each use of a network, the average, the perceptual trunk."""
    uses, kind = 2 if settings.adversarial_phase.rounds else 1, settings.optimizer
    own = _bytes(network) * (2 if settings.ema_decay else 1) + _learned(network) + state_bytes(network, kind) * uses
    # Without an adversarial phase the opponent stands there but never learns.
    other = _bytes(opponent) + (_learned(opponent) + state_bytes(opponent, kind) if uses == 2 else 0)
    return own + other + (_bytes(judge) if judge is not None else 0)


def _learned(network: nn.Module) -> int:
    """Bytes of what has a gradient, and so of the gradient."""
    return sum(p.numel() * p.element_size() for p in network.parameters())


def _memory(resident: int, found: Footprint) -> Memory:
    return Memory(resident, found.kept, found.peak - found.kept, found.largest_convolution)


def _bytes(network: nn.Module) -> int:
    return sum(t.numel() * t.element_size() for t in (*network.parameters(), *network.buffers()))


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Generator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _as_cast(network: Network, precision: str) -> Network:
    """``network`` with the normalisation that mixed precision has on CUDA."""
    if precision != "32-true":
        normalising_as_on_cuda(network, VoxelNorm)
    return network


def _autocast(precision: str) -> torch.autocast:
    """The casts of mixed precision, played on the CPU: fake tensors need no card."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision != "32-true")
