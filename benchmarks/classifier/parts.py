"""The parts of the benchmark by name."""

from __future__ import annotations

import step

COMMANDS = {"step": step}
