"""Pretrained feature networks: find them, fetch them when asked, verify them, or refuse; never substitute silently.

Files are safetensors in the folder of the environment variable TLESYNTH_WEIGHTS, else in the user's cache folder.
Nothing is downloaded unless ``fetch`` is called; addresses are those that torchvision and torch-fidelity publish in
their own code.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import urllib.error
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlparse

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tlesynth import durable
from tlesynth.errors import fail

FOLDER_VARIABLE = "TLESYNTH_WEIGHTS"
CHECKSUM = re.compile(r"-([0-9a-f]{8,64})\.pth$")
PORTED_SQUEEZENET = "squeezenet1_1_imagenet_features.safetensors"
"""A port of the Caffe release to torchvision's names; not proven equal to torchvision's file, so its results say so."""

LpipsKind = Literal["alex", "squeeze"]


def _alexnet_url() -> str:
    from torchvision.models import AlexNet_Weights

    return AlexNet_Weights.IMAGENET1K_V1.url


def _squeezenet_url() -> str:
    from torchvision.models import SqueezeNet1_1_Weights

    return SqueezeNet1_1_Weights.IMAGENET1K_V1.url


def _inception_url() -> str:
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    return URL_INCEPTION_V3


def _efficientnet_url() -> str:
    import timm

    official = timm.get_pretrained_cfg("tf_efficientnetv2_s.in1k")
    assert official is not None
    return str(official.url)


@dataclass(frozen=True)
class Source:
    """Where a network officially comes from, which of its tensors are kept, and under which file names it may lie."""

    url: Callable[[], str]
    kept: str
    files: tuple[str, ...]


SOURCES = {
    "alexnet": Source(_alexnet_url, "features.", ("alexnet.safetensors",)),
    "squeezenet1_1": Source(_squeezenet_url, "features.", ("squeezenet1_1.safetensors", PORTED_SQUEEZENET)),
    "efficientnetv2-s": Source(_efficientnet_url, "", ("efficientnetv2-s.safetensors",)),
    "inception-v3": Source(_inception_url, "", ("inception-v3.safetensors",)),
}
NAMES = tuple(SOURCES)
TRUNKS: dict[str, str] = {"alex": "alexnet", "squeeze": "squeezenet1_1"}


def folders() -> list[Path]:
    """Where weights are looked for, first to last; ``fetch`` and ``add`` write into the first."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tlesynth" / "weights"
    named = os.environ.get(FOLDER_VARIABLE)
    return [Path(named), cache] if named else [cache]


def find(name: str) -> Path:
    """The safetensors file of a network (alexnet, squeezenet1_1, efficientnetv2-s, inception-v3).

    Raises:
        TlesynthError: CFG-002 for an unknown name, WTS-001 if it is not here, with the command that fetches it.
    """
    path = _found(name)
    if path is None:
        raise fail("WTS-001", name, command(name))
    return path


def available() -> list[str]:
    """The names of the networks that are here."""
    return [name for name in SOURCES if _found(name) is not None]


def command(name: str) -> str:
    """The command that fetches a network."""
    return f"tlesynth weights fetch {name}"


def fetch(name: str) -> Path:
    """Download a network from its official address, check it and convert it to safetensors.

    Raises:
        TlesynthError: CFG-002 for an unknown name, WTS-001 if there is no network, WTS-002 if the checksum differs.
    """
    url = _source(name).url()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / Path(urlparse(url).path).name
        try:
            torch.hub.download_url_to_file(url, str(file))
        except (urllib.error.URLError, OSError) as error:
            raise fail("WTS-001", name, f"{command(name)} could not download it ({error})") from error
        return add(name, file)


def add(name: str, file: Path) -> Path:
    """Check a downloaded official .pth file and convert it to safetensors; returns the new file.

    Raises:
        TlesynthError: CFG-002 for an unknown name, WTS-001 if ``file`` is missing, WTS-002 if it is not the
            official file.
    """
    source = _source(name)
    file = Path(file)
    if not file.is_file():
        raise fail("WTS-001", file, "there is no such file")
    published, digest = CHECKSUM.search(source.url()), durable.sha256(file)
    if published is None or not digest.startswith(published[1]):
        wanted = published[1] if published else "none published"
        raise fail("WTS-002", file, f"SHA-256 starts with {digest[:8]}, the official one with {wanted}")
    # The official files are pickles; this loader builds tensors only, and the checksum was right.
    state = torch.load(file, map_location="cpu", weights_only=True)
    kept = {key: value.contiguous() for key, value in state.items() if key.startswith(source.kept)}
    target = folders()[0] / source.files[0]
    with durable.replacing(target) as temporary:
        save_file(kept, temporary, metadata={"source": Path(urlparse(source.url()).path).name, "source_sha256": digest})
    return target


def foreign_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors by name in a checkpoint that another program wrote: safetensors, or PyTorch's own format.

    PyTorch's is read by the loader that builds tensors and plain containers only, never code. A checkpoint that holds
    the network under one of its keys, beside an optimiser or an epoch, gives the network.

    Raises:
        TlesynthError: MOD-006 if it is neither format or holds no tensors by name.
    """
    file = Path(file)
    if not file.is_file():
        raise fail("MOD-006", file, "there is no such file")
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        held = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # what a damaged or hostile file makes of its loader is not for us to list
        why = str(error).splitlines() or [type(error).__name__]
        raise fail("MOD-006", file, f"it is neither safetensors nor tensors alone ({why[0][:160]})") from error
    inside = [value for value in held.values() if _is_state(value)] if isinstance(held, dict) else []
    if not _is_state(held) and len(inside) == 1:
        (held,) = inside
    if not _is_state(held):
        raise fail("MOD-006", file, "it holds no tensors by name")
    return dict(held)


def lpips_name(kind: LpipsKind) -> str:
    """What a result of this network is called: ``lpips-alex``, ``lpips-squeeze`` or ``lpips-squeeze (caffe port)``."""
    ported = find(TRUNKS[kind]).name == PORTED_SQUEEZENET
    return f"lpips-{kind}" + (" (caffe port)" if ported else "")


def lpips_network(kind: LpipsKind) -> nn.Module:
    """LPIPS 0.1, frozen: called with two stacks of images (B, 3, H, W) on [-1, 1] it returns distances (B, 1, 1, 1).

    The learned heads come with the installed lpips package, the trunk from ``find``. Source: Zhang et al. 2018.

    Raises:
        TlesynthError: WTS-001 if the trunk is missing, WTS-002 if it is damaged.
    """
    import lpips

    path = find(TRUNKS[kind])
    # lpips draws random trunk weights before ours go in: that must not disturb the run's own draws.
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = lpips.LPIPS(net=kind, pnet_rand=True, verbose=False)
    state = _tensors(path)
    trunk = {key: "features." + key.split(".", 1)[1] for key in network.net.state_dict()}
    _load(network.net, {key: state[theirs] for key, theirs in trunk.items() if theirs in state}, path)
    return network.requires_grad_(False).eval()


def inception_network() -> nn.Module:
    """The Inception-V3 of the original FID, frozen: uint8 images (B, 3, H, W) -> a tuple of one float32 (B, 2048).

    Source: torch-fidelity's port of the TensorFlow network of 2015-12-05.

    Raises:
        TlesynthError: WTS-001 if the weights are missing, WTS-002 if they are damaged.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = find("inception-v3")
    state = _tensors(path)
    # Its constructor only takes torch's own format: hand it our tensors in that format, from memory.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    try:
        with torch.random.fork_rng(devices=[]):
            return FeatureExtractorInceptionV3("inception-v3", ["2048"], feature_extractor_weights_path=buffer)
    except RuntimeError as error:
        raise fail("WTS-002", path, "its tensors do not fit the network") from error


def provenance(name: str) -> dict[str, str]:
    """File name and SHA-256 of the weights in use, and of the official file they came from where known.

    Raises:
        TlesynthError: WTS-001 if they are missing, WTS-002 if they are damaged.
    """
    path = find(name)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise fail("WTS-002", path, str(error)) from error
    known = {key: metadata[key] for key in ("source", "source_sha256") if key in metadata}
    return {"file": path.name, "sha256": durable.sha256(path), **known}


def _source(name: str) -> Source:
    if name not in SOURCES:
        raise fail("CFG-002", f"weights {name}", f"known are {', '.join(SOURCES)}")
    return SOURCES[name]


def _is_state(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(inner, Tensor) for inner in value.values())


def _found(name: str) -> Path | None:
    candidates = [folder / file for folder in folders() for file in _source(name).files]
    return next((path for path in candidates if path.is_file()), None)


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise fail("WTS-002", path, str(error)) from error


def _load(network: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise fail("WTS-002", path, "its tensors do not fit the network") from error
