"""The discriminator is MONAI's: the same names, the same start from a seed, the same maps, the same gradient."""

import pytest
import torch
from monai.networks.nets.patchgan_discriminator import PatchDiscriminator

from tlesynth.autoencoder import discriminator
from tlesynth.recipe import AdversarialPhase


@pytest.mark.parametrize("layers", [1, 3])
def test_it_is_monais_network(layers: int) -> None:
    torch.manual_seed(0)
    theirs = PatchDiscriminator(spatial_dims=3, in_channels=1, channels=4, num_layers_d=layers, norm="INSTANCE")
    torch.manual_seed(0)
    phase = AdversarialPhase(discriminator_channels=4, discriminator_layers=layers)
    ours = discriminator.PatchDiscriminator(phase)
    mine, wanted = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(wanted) and all(torch.equal(mine[name], value) for name, value in wanted.items())
    x = torch.rand(2, 1, 36, 40, 36)
    maps, expected = ours(x), theirs(x)
    assert len(maps) == len(expected) == layers + 2
    for one, other in zip(maps, expected, strict=True):
        torch.testing.assert_close(one, other)
    for network, found in ((ours, maps), (theirs, expected)):
        found[-1].square().mean().backward()
        assert all(p.grad is not None for p in network.parameters())
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
