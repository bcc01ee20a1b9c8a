"""Which stage writes a file of a run, for the errors that miss one."""

from __future__ import annotations

from pathlib import Path

WRITERS = {
    "derivatives": "tlesynth preprocess",
    "splits.tsv": "tlesynth split",
    "latents": "tlesynth encode",
    "reconstructions": "tlesynth encode",
    "synthetic": "tlesynth sample",
}
"""The command by the name that a run gives its file or folder."""
FILES = ("participants.tsv", "latents.npy", "index.tsv", "latents.json")
"""What is missed inside such a folder."""


def writer_of(missing: Path) -> str:
    """``tlesynth sample writes it``, or nothing where the path is none that a run has."""
    name = missing.parent.name if missing.name in FILES else missing.name
    return f"{WRITERS[name]} writes it" if name in WRITERS else ""
