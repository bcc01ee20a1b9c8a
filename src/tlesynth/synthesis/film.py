"""The film of one reverse process: the kept moments, decoded, from pure noise to the finished scan (Figure 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tlesynth import durable
from tlesynth.progress import say, track
from tlesynth.synthesis.requests import Subject
from tlesynth.synthesis.synthesizer import Synthesizer
from tlesynth.volume import write

KIND = ("group", "side")
VOLUME = re.compile(r"(\w+)_(left|right)_mni_mm3")
"""A condition that is a structure's volume, as preprocessing measures it."""
FILM = "film.json"


def require_film_folder(film: Path) -> None:
    """Refuse, before hours of sampling, a folder that holds anything else than a film.

    Raises:
        TlesynthError: CFG-005 naming what the film would replace.
    """
    durable.require_replaceable(film, FILM)


def film_of(subjects: list[Subject], synthesizer: Synthesizer, film: Path) -> None:
    """Write the film of the first patient among ``subjects`` (of the first subject, where there is none), once."""
    starring = next((subject for subject in subjects if subject.group == "tle"), subjects[0])
    if not stands(film, synthesizer, starring):
        write_film(film, synthesizer, starring)


def stands(film: Path, synthesizer: Synthesizer, subject: Subject) -> bool:
    """Whether the film of ``subject`` is there, made by the same models in the same way."""
    file = film / FILM
    return file.is_file() and durable.read_json(file).get("about") == _about(synthesizer, subject)


def write_film(film: Path, synthesizer: Synthesizer, subject: Subject) -> None:
    """Decode the kept moments, from pure noise (timestep T) to the finished scan (0), as NIfTI beside ``film.json``.

    Raises:
        TlesynthError: CFG-005 if the folder holds anything else than a film.
    """
    require_film_folder(film)
    frames = []
    moments = synthesizer.draw([subject], 0, synthesizer.settings.film_frames).film
    with durable.publishing(film) as folder:
        for timestep, latents in track(moments.items(), "decoding the film", len(moments)):
            name, voxels = f"timestep-{timestep:04d}.nii.gz", synthesizer.decode(latents[0])
            if not np.isfinite(voxels).all():
                say(f"the film leaves out timestep {timestep}: it is not finite")
                continue
            write(
                folder / name, voxels, synthesizer.grid.affine, description=f"synthetic, timestep {timestep}", mni=True
            )
            frames.append({"timestep": timestep, "file": name, "condition": in_words(subject.asked)})
        about = {"about": _about(synthesizer, subject), "grid": synthesizer.grid.name, "frames": frames}
        durable.write_json(folder / FILM, about)


def in_words(asked: Mapping[str, str]) -> str:
    """What was asked for: group and side as in the class counts (tle-left), a structure's volume in mm³, anything else
    by its name.
    """
    kind = "-".join(asked[name] for name in KIND if name in asked)
    others = (_number(name, value) for name, value in asked.items() if name not in KIND)
    return ", ".join([*filter(None, [kind]), *others])


def _number(name: str, value: str) -> str:
    measured = VOLUME.fullmatch(name)
    if measured is None:
        return f"{name} {value}"
    structure, side = measured.groups()
    return f"{side} {structure.replace('_', ' ')} {float(value):.0f} mm³"


def _about(synthesizer: Synthesizer, subject: Subject) -> dict[str, Any]:
    sidecar = synthesizer.sidecar(subject, 0)
    return {"participant_id": subject.participant_id, "frames": synthesizer.settings.film_frames} | sidecar
