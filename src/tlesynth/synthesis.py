"""From class and seed to a synthetic cohort: latents, volumes, BIDS derivatives with their provenance, and the film.

A subject's seed follows from the run's seed and its name alone, and a batch is always drawn whole: a run that was
killed and started again writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import ndimage

from tlesynth import durable, interruption
from tlesynth.autoencoder.model import load_autoencoder
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.data.cohort import CohortWriter
from tlesynth.diffusion.conditioning import Classes
from tlesynth.diffusion.model import Diffusion, load_diffusion
from tlesynth.diffusion.sampling import Plan, Sampled, sample_latents
from tlesynth.errors import fail
from tlesynth.progress import Bar, bar, say
from tlesynth.recipe import Inference, Sample
from tlesynth.seeds import seed_of
from tlesynth.training import fabric_for
from tlesynth.volume import GRIDS, write

FAINTEST = 0.05
"""Intensity on [0, 1] above which a decoded voxel can be brain; the background of the training volumes is exactly 0."""
ATTEMPTS = 2
"""Draws of a subject: an empty or non-finite volume is drawn once more, with a new seed."""
ABOUT = "Synthetic T1-weighted brain MRI drawn by a latent diffusion model. No scan of a person."


@dataclass(frozen=True)
class Subject:
    """One synthetic participant and the class it is drawn from."""

    participant_id: str
    group: str
    side: str | None
    condition: str


@dataclass(frozen=True)
class Synthesizer:
    """Both models, how to sample, and the run's seed."""

    autoencoder: Autoencoder
    diffusion: Diffusion
    settings: Sample
    seed: int
    device: torch.device

    def seed_of(self, subject: Subject, attempt: int) -> int:
        """The seed of a subject's generator."""
        return seed_of(self.seed, "synthetic", subject.participant_id, attempt)

    def draw(self, subjects: list[Subject], attempt: int, frames: int = 0) -> Sampled:
        """Latents (B, C, X, Y, Z) of ``subjects``, with ``frames`` moments of the way."""
        names = self.diffusion.classes.names
        labels = torch.tensor([names.index(s.condition) for s in subjects], device=self.device)
        generators = [torch.Generator().manual_seed(self.seed_of(s, attempt)) for s in subjects]
        plan = Plan(
            schedule=self.diffusion.schedule,
            null_class=self.diffusion.classes.null,
            sampler=self.settings.sampler,
            steps=self.settings.steps,
            guidance=self.settings.guidance,
            frames=frames,
        )
        return sample_latents(self.diffusion.network, labels, self.diffusion.latent_shape, generators, plan)

    def decode(self, latent: torch.Tensor) -> np.ndarray:
        """The volume (X, Y, Z) float32 on [0, 1] of one latent (C, X, Y, Z)."""
        return self.autoencoder.from_latents(latent[None])[0, 0].float().cpu().numpy()

    def sidecar(self, subject: Subject, attempt: int) -> dict[str, Any]:
        """What a synthetic scan says about its origin."""
        return {
            "Synthetic": True,
            "Seed": self.seed_of(subject, attempt),
            "Attempt": attempt + 1,
            "ModelHash": self.diffusion.fingerprint,
            "AutoencoderHash": self.diffusion.autoencoder,
            "Decoding": self.autoencoder.run_about,
            "Sampler": self.settings.sampler,
            "Steps": self.settings.steps,
            "GuidanceScale": self.settings.guidance,
            "BatchSize": self.settings.batch_size,
            "ConditionLabel": subject.condition,
        }


def sample_cohort(
    autoencoder: Path,
    diffusion: Path,
    out: Path,
    film: Path,
    settings: Sample,
    *,
    seed: int,
    device: str,
    inference: Inference | None = None,
) -> None:
    """Write a synthetic cohort to ``out`` and the reverse process of one TLE subject to ``film``; resumes by itself.

    ``autoencoder`` and ``diffusion`` are model folders; ``inference`` is how the first decodes. A subject whose volume
    is empty or not finite twice is listed as failed in ``outcomes.tsv`` and left out.

    Raises:
        TlesynthError: CKP-001, CKP-009 or MOD-004 for models that cannot be used, CFG-003 for steps that do not divide,
            CFG-010 if ``out`` was made otherwise, NUM-006 if every subject failed, OPS-075 after a stop request.
    """
    target = fabric_for(device, "32-true").device
    decoder = load_autoencoder(autoencoder, target).run_as(inference or Inference())
    model = load_diffusion(diffusion, decoder.fingerprint)
    model.network.to(target)
    synthesizer = Synthesizer(decoder, model, settings, seed, target)
    writer = CohortWriter(out, GRIDS[model.grid], "synthetic", "Synthetic T1 cohort", ABOUT)
    subjects = subjects_of(settings, model.classes, model.class_counts)
    durable.sweep(out)

    starring = next((s for s in subjects if s.group == "tle"), subjects[0])
    failed: dict[str, str] = {}
    done = sum(_is_done(writer, synthesizer, s) for s in subjects)
    with bar("sampling", len(subjects), done) as shown:
        for batch in _batches(subjects, settings.batch_size):
            interruption.check()
            wants_film = starring in batch and not _film_stands(film, synthesizer, starring)
            if wants_film or not all(_is_done(writer, synthesizer, s) for s in batch):
                sampled = synthesizer.draw(batch, 0, settings.film_frames if wants_film else 0)
                if wants_film:
                    _write_film(
                        film, synthesizer, starring, {t: z[batch.index(starring)] for t, z in sampled.film.items()}
                    )
                failed |= _write_batch(writer, synthesizer, batch, sampled.latents, shown)
    _finish(out, writer, subjects, failed)


def subjects_of(settings: Sample, classes: Classes, class_counts: dict[str, int]) -> list[Subject]:
    """The cohort to draw: synHC0001, ..., synTLE0001, ...; sides in the proportion of the training set."""
    subjects = [Subject(f"sub-synHC{i + 1:04d}", "hc", None, "hc") for i in range(settings.n_hc)]
    left, right = class_counts.get("tle-left", 0), class_counts.get("tle-right", 0)
    for i in range(settings.n_tle):
        name = f"sub-synTLE{i + 1:04d}"
        if "tle" in classes.names:
            subjects.append(Subject(name, "tle", None, "tle"))
            continue
        share = left / (left + right) if left + right else 0.5
        # Spread evenly: after n patients, the number of left ones is n * share, rounded down.
        side = "left" if int((i + 1) * share + 1e-9) > int(i * share + 1e-9) else "right"
        subjects.append(Subject(name, "tle", side, f"tle-{side}"))
    return subjects


def brain_only(volume: np.ndarray) -> np.ndarray:
    """A decoded volume (X, Y, Z) clipped to [0, 1], exactly 0 outside its largest bright object."""
    bright = ndimage.binary_fill_holes(volume > FAINTEST)
    # Opening cuts the thin bridges between the brain and specks in the background; dilation gives the rim back.
    parts, n = ndimage.label(ndimage.binary_opening(bright))
    if n == 0:
        return np.zeros_like(volume)
    largest = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    brain = ndimage.binary_dilation(largest, iterations=2) & bright
    return np.where(brain, np.clip(volume, 0, 1), 0).astype(np.float32)


def _write_batch(
    writer: CohortWriter, synthesizer: Synthesizer, batch: list[Subject], latents: torch.Tensor, shown: Bar
) -> dict[str, str]:
    """Decode and write the subjects of a batch that are not there yet; the reason of each that failed."""
    failed = {}
    for subject, latent in zip(batch, latents, strict=True):
        if _is_done(writer, synthesizer, subject):
            continue
        for attempt in range(ATTEMPTS):
            z = latent if attempt == 0 else synthesizer.draw([subject], attempt).latents[0]
            decoded = synthesizer.decode(z)
            finite = bool(np.isfinite(decoded).all())
            brain = brain_only(decoded) if finite else decoded
            if finite and brain.any():
                writer.write(subject.participant_id, brain, synthesizer.sidecar(subject, attempt), note="synthetic")
                break
        else:
            failed[subject.participant_id] = "empty" if finite else "not finite"
            say(str(fail("NUM-006", subject.participant_id, failed[subject.participant_id])))
        shown.advance()
    return failed


def _finish(out: Path, writer: CohortWriter, subjects: list[Subject], failed: dict[str, str]) -> None:
    if len(failed) == len(subjects):
        raise fail("NUM-006", out, f"every one of {len(subjects)} subjects failed")
    rows = [s for s in subjects if s.participant_id not in failed]
    table = pd.DataFrame({"group": [s.group for s in rows], "side": [s.side for s in rows]})
    table.index = pd.Index([s.participant_id for s in rows], name="participant_id")
    outcomes = {s.participant_id: failed.get(s.participant_id) for s in subjects}
    listed = pd.DataFrame({"participant_id": list(outcomes), "why": list(outcomes.values())})
    listed.insert(1, "status", ["failed" if why else "ok" for why in outcomes.values()])
    durable.write_table(out / "outcomes.tsv", listed)
    durable.write_text(out / ".bidsignore", "outcomes.tsv\n")
    writer.finish(table)


def _is_done(writer: CohortWriter, synthesizer: Synthesizer, subject: Subject) -> bool:
    """Whether a subject stands; one made otherwise is refused."""
    found = writer.sidecar(subject.participant_id)
    if found is None:
        return False
    for attempt in range(ATTEMPTS):
        if synthesizer.sidecar(subject, attempt).items() <= found.items():
            return True
    wanted = synthesizer.sidecar(subject, 0)
    changed = [key for key, value in wanted.items() if found.get(key) != value]
    raise fail("CFG-010", writer.root, f"{subject.participant_id} differs in {', '.join(changed)}")


def _film_stands(film: Path, synthesizer: Synthesizer, subject: Subject) -> bool:
    file = film / "film.json"
    return file.is_file() and durable.read_json(file).get("about") == _film_about(synthesizer, subject)


def _film_about(synthesizer: Synthesizer, subject: Subject) -> dict[str, Any]:
    sidecar = synthesizer.sidecar(subject, 0)
    return {"participant_id": subject.participant_id, "frames": synthesizer.settings.film_frames} | sidecar


def _write_film(film: Path, synthesizer: Synthesizer, subject: Subject, latents: dict[int, torch.Tensor]) -> None:
    """Decode the kept moments, from pure noise (timestep T) to the finished scan (0), as NIfTI beside ``film.json``."""
    grid, frames = GRIDS[synthesizer.diffusion.grid], []
    with durable.publishing(film) as folder:
        for timestep, latent in latents.items():
            name, voxels = f"timestep-{timestep:04d}.nii.gz", synthesizer.decode(latent)
            if not np.isfinite(voxels).all():
                say(f"the film leaves out timestep {timestep}: it is not finite")
                continue
            write(folder / name, voxels, grid.affine, description=f"synthetic, timestep {timestep}", mni=True)
            frames.append({"timestep": timestep, "file": name, "condition": subject.condition})
        about = _film_about(synthesizer, subject)
        durable.write_json(folder / "film.json", {"about": about, "grid": grid.name, "frames": frames})


def _batches(subjects: list[Subject], size: int) -> Iterator[list[Subject]]:
    for start in range(0, len(subjects), size):
        yield subjects[start : start + size]
