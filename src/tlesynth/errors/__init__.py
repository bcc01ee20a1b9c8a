"""What can go wrong: raise with ``raise fail("NII-002", path, "the gzip stream ends at byte 512")``."""

from tlesynth.errors.documentation import documentation
from tlesynth.errors.error import TlesynthError, fail, printable, shown
from tlesynth.errors.registry import REGISTRY
from tlesynth.errors.statuses import (
    EXIT_STATUSES,
    INPUT,
    LOCKED,
    MODEL,
    NUMERICAL,
    PRIVACY,
    RESOURCE,
    SOME_FAILED,
    STOPPED,
    USAGE,
)

__all__ = [
    "EXIT_STATUSES",
    "INPUT",
    "LOCKED",
    "MODEL",
    "NUMERICAL",
    "PRIVACY",
    "REGISTRY",
    "RESOURCE",
    "SOME_FAILED",
    "STOPPED",
    "USAGE",
    "TlesynthError",
    "documentation",
    "fail",
    "printable",
    "shown",
]
