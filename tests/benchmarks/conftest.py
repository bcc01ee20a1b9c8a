"""The parts of a benchmark are modules of a script, not of a package: they are loaded from their files."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def part() -> Callable[[str], ModuleType]:
    """``part("autoencoder/quality")``: that file as a module, which finds what it imports as its script does."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"benchmark_{name.replace('/', '_')}", BENCHMARKS / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with pytest.MonkeyPatch.context() as patch:
            # Dataclasses look their own module up.
            patch.setitem(sys.modules, spec.name, module)
            patch.syspath_prepend(BENCHMARKS / "harness")
            patch.syspath_prepend(BENCHMARKS / name.split("/")[0])
            spec.loader.exec_module(module)
        # Two scripts have parts of the same name.
        for other, loaded in list(sys.modules.items()):
            if BENCHMARKS in Path(getattr(loaded, "__file__", None) or "/").parents:
                del sys.modules[other]
        return module

    return load
