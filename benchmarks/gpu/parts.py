"""The parts of the benchmark by name."""

from __future__ import annotations

import agree
import heads
import kernels
import speed
import whole

COMMANDS = {"kernels": kernels, "agree": agree, "speed": speed, "heads": heads, "whole": whole}
