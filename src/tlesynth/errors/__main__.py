"""``python -m tlesynth.errors`` prints docs/errors.md."""

from tlesynth.errors.page import documentation

print(documentation(), end="")
