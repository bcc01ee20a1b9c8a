"""The film of one reverse process: the kept moments, decoded, from pure noise to the finished scan (Figure 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from tlesynth import durable
from tlesynth.synthesis.requests import Subject
from tlesynth.synthesis.synthesizer import Synthesizer
from tlesynth.volume import GRIDS, write


def stands(film: Path, synthesizer: Synthesizer, subject: Subject) -> bool:
    """Whether the film of ``subject`` is there, made by the same models in the same way."""
    file = film / "film.json"
    return file.is_file() and durable.read_json(file).get("about") == _about(synthesizer, subject)


def write_film(film: Path, synthesizer: Synthesizer, subject: Subject, latents: dict[int, torch.Tensor]) -> None:
    """Decode the kept moments, from pure noise (timestep T) to the finished scan (0), as NIfTI beside ``film.json``."""
    grid, frames = GRIDS[synthesizer.diffusion.grid], []
    with durable.publishing(film) as folder:
        for timestep, latent in latents.items():
            name = f"timestep-{timestep:04d}.nii.gz"
            voxels = np.nan_to_num(np.clip(synthesizer.decode(latent), 0, 1))
            write(folder / name, voxels, grid.affine, description=f"synthetic, timestep {timestep}", mni=True)
            frames.append({"timestep": timestep, "file": name, "condition": " ".join(subject.asked.values())})
        about = _about(synthesizer, subject)
        durable.write_json(folder / "film.json", {"about": about, "grid": grid.name, "frames": frames})


def _about(synthesizer: Synthesizer, subject: Subject) -> dict[str, Any]:
    sidecar = synthesizer.sidecar(subject, 0)
    return {"participant_id": subject.participant_id, "frames": synthesizer.settings.film_frames} | sidecar
