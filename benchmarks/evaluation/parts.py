"""The parts of the benchmark by name."""

from __future__ import annotations

import cost
import gate

COMMANDS = {"cost": cost, "gate": gate}
