"""``python -m tlesynth.errors`` prints docs/errors.md."""

from tlesynth.errors.registry import documentation

print(documentation(), end="")
