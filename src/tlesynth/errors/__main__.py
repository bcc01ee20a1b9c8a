"""``python -m tlesynth.errors`` prints docs/errors.md."""

from tlesynth.errors.documentation import documentation

print(documentation(), end="")
