"""The network that tells volumes from reconstructions: a 3-D PatchGAN, its layers, names and start those of MONAI's.

Importing MONAI's own loads all of MONAI, seconds for every process.
"""

from __future__ import annotations

from torch import Tensor, nn

from tlesynth.recipe import AdversarialPhase

SIDE = 4
"""Of every kernel."""
SLOPE = 0.2
FIRST_DEVIATION = 0.02
"""Of the weights that training starts from."""


class PatchDiscriminator(nn.Sequential):
    """(B, 1, X, Y, Z) -> list of feature maps, the last (B, 1, ...) the logits of real against fake.

    Instance normalisation, since the batch is 2 (peers that publish a 3-D PatchGAN do the same).
    """

    def __init__(self, settings: AdversarialPhase) -> None:
        super().__init__()
        width, layers = settings.discriminator_channels, settings.discriminator_layers
        self.initial_conv = _layer(nn.Conv3d(1, width, SIDE, stride=2, padding=1), nn.LeakyReLU(SLOPE))
        for place in range(layers):
            stride = 1 if place == layers - 1 else 2
            conv = nn.Conv3d(width, 2 * width, SIDE, stride=stride, padding=1, bias=False)
            self.add_module(str(place), _layer(conv, nn.InstanceNorm3d(2 * width), nn.LeakyReLU(SLOPE)))
            width *= 2
        self.final_conv = _layer(nn.Conv3d(width, 1, SIDE, padding=1))
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                _start(module)

    def forward(self, input: Tensor) -> list[Tensor]:
        """What each layer makes of what the one before made."""
        maps = [input]
        for layer in self:
            maps.append(layer(maps[-1]))
        return maps[1:]


def _layer(conv: nn.Conv3d, *after: nn.Module) -> nn.Sequential:
    layer = nn.Sequential()
    layer.add_module("conv", conv)
    for place, module in enumerate(after):
        layer.add_module(f"after{place}", module)
    return layer


def _start(conv: nn.Conv3d) -> None:
    nn.init.normal_(conv.weight, 0.0, FIRST_DEVIATION)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
