"""The parts of the benchmark by name."""

from __future__ import annotations

import step
import whole

COMMANDS = {"step": step, "whole": whole}
