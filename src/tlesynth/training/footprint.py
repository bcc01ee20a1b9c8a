"""The memory of a training step, counted tensor by tensor: on real tensors, or on fake ones that have only a shape.

A storage counts from the operation that makes it to the moment nothing refers to it, as in PyTorch's allocators; what
an operation uses for itself inside (a convolution's workspace) is not seen.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True)
class Footprint:
    """Bytes of one step beyond what was there before: kept for the backward pass, most at any moment, and the input and
    output of the largest convolution."""

    kept: int
    peak: int
    largest_convolution: int


def footprint(step: Callable[[], Tensor], owned: Iterable[Tensor] = ()) -> Footprint:
    """Run ``step`` and the backward pass of the scalar it returns, if it has one; ``owned`` was there before."""
    ledger = _Ledger(owned)
    with ledger:
        loss = step()
        kept = ledger.live
        if loss.requires_grad:
            loss.backward()
    return Footprint(kept, ledger.peak, ledger.largest_convolution)


def normalising_as_on_cuda(network: nn.Module, *own: type[nn.Module]) -> nn.Module:
    """``network`` with its normalisation in float32, as autocast has it on CUDA but not on a CPU.

    PyTorch's group, layer and root mean square normalisation, and modules of the types ``own`` that call them.
    """
    for module in network.modules():
        if isinstance(module, (nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, *own)):
            module.register_forward_pre_hook(lambda _, args: (args[0].float(), *args[1:]))
    return network


class _Ledger(TorchDispatchMode):
    """Adds up the storages that live."""

    def __init__(self, owned: Iterable[Tensor]) -> None:
        super().__init__()
        self.live, self.peak, self.largest_convolution = 0, 0, 0
        self._known: dict[int, Any] = {_key(tensor): None for tensor in owned}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in _tensors(made):
            self._add(tensor)
        if "convolution" in func.__name__:
            touched = sum(t.numel() * t.element_size() for t in (*_tensors(args), *_tensors(made)))
            self.largest_convolution = max(self.largest_convolution, touched)
        return made

    def _add(self, tensor: Tensor) -> None:
        key = _key(tensor)
        if key in self._known:
            return
        storage = tensor.untyped_storage()
        size = storage.nbytes()
        self.live += size
        self.peak = max(self.peak, self.live)

        def gone(_: Any) -> None:
            self.live -= size
            del self._known[key]

        self._known[key] = weakref.ref(storage, gone)


def _key(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
