"""The parts of the benchmark by name."""

from __future__ import annotations

import designs
import executor
import loader
import memory
import quality
import runs
import shapes
import speed

COMMANDS = {
    "speed": speed,
    "memory": memory,
    "loader": loader,
    "shapes": shapes,
    "executor": executor,
    "quality": quality,
    "designs": designs,
    "runs": runs,
}
