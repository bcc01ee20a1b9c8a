"""Networks that tell TLE from health: the paper's, which reads a head as coronal slices, and a small 3D one.

The 2D network has one input channel per slice (paper, section 5.3.1). The 3D one reads both mesial temporal lobes; it
calibrates the simulation (tlesynth.classifier.severity).
"""

from __future__ import annotations

import difflib

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from tlesynth import weights
from tlesynth.errors import fail

IMAGENET = {"tf_efficientnetv2_s": "efficientnetv2-s"}
"""timm's networks whose ImageNet weights are known here, and their names in ``tlesynth weights``."""
STEM, HEAD = "conv_stem.weight", "classifier."


class CoronalClassifier(nn.Module):
    """A timm network whose first convolution takes the ``slices`` coronal slices of a volume as channels."""

    def __init__(self, network: str, slices: int) -> None:
        """Build ``network`` (a timm name) with random weights."""
        super().__init__()
        self.backbone = timm.create_model(network, pretrained=False, in_chans=slices, num_classes=1)

    def forward(self, volumes: Tensor) -> Tensor:
        """Logits of TLE, (B,), from volumes (B, X, Y, Z) on [0, 1]."""
        return self.backbone(coronal_channels(volumes))[:, 0]


def coronal_channels(volumes: Tensor) -> Tensor:
    """Volumes (B, X, Y, Z) as images (B, Y, X, Z): the coronal planes, posterior to anterior, become the channels.

    They lie last in memory, as convolutions on a processor want them (benchmarks/classifier).
    """
    return volumes.permute(0, 2, 1, 3).contiguous(memory_format=torch.channels_last)


class Residual(nn.Module):
    """Two 3 x 3 x 3 convolutions beside a shortcut; halves the grid and widens."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(width_in, width_out, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm3d(width_out),
            nn.ReLU(),
            nn.Conv3d(width_out, width_out, 3, padding=1, bias=False),
            nn.BatchNorm3d(width_out),
        )
        self.shortcut = nn.Conv3d(width_in, width_out, 1, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, X, Y, Z) to (B, C', X/2, Y/2, Z/2)."""
        return torch.relu(self.body(x) + self.shortcut(x))


class MesialClassifier(nn.Module):
    """A small 3D residual network that looks at each temporal lobe beside the other, with the same eyes.

    Each side is read twice, as the one in question and as the one to compare it with; the logit is a symmetric
    function of both readings. Exchanging the sides (a mirror image) therefore changes nothing, and no side has to be
    learnt twice, which small cohorts cannot afford.
    """

    def __init__(self, width: int = 8, dropout: float = 0.3) -> None:
        """``width`` channels after the first block, twice as many after the second."""
        super().__init__()
        self.encoder = nn.Sequential(Residual(2, width), Residual(width, 2 * width))
        self.judge = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * width, 1))

    def forward(self, sides: Tensor) -> Tensor:
        """Logits of TLE, (B,), from both sides (B, 2, X, Y, Z) on [0, 1], the second mirrored onto the first."""
        both = torch.cat([sides, sides.flip(1)])  # (2B, 2, X, Y, Z)
        read = self.encoder(4 * (both - 0.6)).mean(dim=(2, 3, 4))  # (2B, C)
        one, other = read.chunk(2)  # (B, C) each
        return self.judge(torch.cat([one + other, (one - other).abs()], dim=1))[:, 0]


def build(network: str, slices: int, seed: int) -> CoronalClassifier:
    """The 2D network with weights drawn from ``seed``; no pretrained weights are looked for.

    Raises:
        TlesynthError: CFG-002 if timm knows no network of this name.
    """
    if not timm.is_model(network):
        near = difflib.get_close_matches(network, timm.list_models(), n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise fail("CFG-002", "classifier.network", f"timm has no network {network!r}{hint}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CoronalClassifier(network, slices)


def start_from_imagenet(classifier: CoronalClassifier, network: str) -> None:
    """Put ImageNet's weights into ``classifier``; its last layer stays as drawn.

    The first convolution sees slices where it saw colours: each slice gets the mean of the three, weakened so that
    equal slices excite it as equal colours did.

    Raises:
        TlesynthError: CFG-002 if no weights of ``network`` are known, WTS-001 if they are missing, WTS-002 if they do
            not fit.
    """
    if network not in IMAGENET:
        raise fail("CFG-002", "classifier.pretrained", f"ImageNet weights are known of {', '.join(IMAGENET)} alone")
    file = weights.find(IMAGENET[network])
    own, given = classifier.backbone.state_dict(), load_file(file)
    given = {name: tensor for name, tensor in given.items() if not name.startswith(HEAD)}
    try:
        slices = own[STEM].shape[1]
        given[STEM] = (given[STEM].mean(dim=1, keepdim=True) * 3 / slices).expand_as(own[STEM])
        kept = {name: tensor for name, tensor in own.items() if name.startswith(HEAD)}
        classifier.backbone.load_state_dict(given | kept)
    except (RuntimeError, KeyError) as error:
        raise fail("WTS-002", file, "its tensors do not fit the network") from error
