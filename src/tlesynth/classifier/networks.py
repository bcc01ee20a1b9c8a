"""The paper's network that tells TLE from health: it reads a head as coronal slices, an input channel each (5.3.1)."""

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
