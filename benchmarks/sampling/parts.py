"""The parts of the benchmark by name."""

from __future__ import annotations

import byheart
import denoise
import effect
import memory
import nearness
import sample
import scale
import shapes
import step
import variants
import whatif

COMMANDS = {
    "denoise": denoise,
    "step": step,
    "sample": sample,
    "scale": scale,
    "memory": memory,
    "shapes": shapes,
    "variants": variants,
    "byheart": byheart,
    "nearness": nearness,
    "effect": effect,
    "whatif": whatif,
}
