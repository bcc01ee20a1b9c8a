"""Fast float32 is still float32."""

from collections.abc import Callable
from types import ModuleType

import pytest
import torch


@pytest.fixture(scope="session")
def products(part: Callable[[str], ModuleType]) -> ModuleType:
    return part("sampling/products")


def test_fast_float32_is_float32_and_is_put_back(products: ModuleType) -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(size, generator=generator) for size in ((300, 384), (384, 500)))
    before = torch.get_float32_matmul_precision()
    with pytest.raises(KeyError), products.fast_float32():
        expected = "medium" if products.medium_is_float32() else before
        assert torch.get_float32_matmul_precision() == expected
        error = (a @ b).double() - a.double() @ b.double()
        assert error.norm() / (a.double() @ b.double()).norm() < 1e-6
        raise KeyError
    assert torch.get_float32_matmul_precision() == before


def test_fast_float32_leaves_alone_what_is_not_accurate_or_not_a_cpu(
    products: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_float32_matmul_precision()
    with products.fast_float32("cuda"):
        assert torch.get_float32_matmul_precision() == before
    monkeypatch.setattr(products, "FLOAT32_ERROR", 1e-12)
    products.medium_is_float32.cache_clear()
    try:
        with products.fast_float32():
            assert torch.get_float32_matmul_precision() == before
    finally:
        products.medium_is_float32.cache_clear()
