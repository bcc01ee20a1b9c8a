"""Writes a synthetic cohort as BIDS: every volume with its origin; a killed run goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tlesynth import durable, interruption
from tlesynth.data.cohort import CohortWriter
from tlesynth.errors import fail
from tlesynth.progress import Bar, bar, say
from tlesynth.synthesis import film as films
from tlesynth.synthesis.requests import Subject
from tlesynth.synthesis.synthesizer import Synthesizer, brain_only
from tlesynth.volume import GRIDS

ATTEMPTS = 2
"""Draws of a subject: an empty or non-finite volume is drawn once more, with a new seed."""
ABOUT = "Synthetic T1-weighted brain MRI drawn by a latent diffusion model. No scan of a person."


def sample_cohort(synthesizer: Synthesizer, subjects: list[Subject], out: Path, film: Path | None) -> None:
    """Write ``subjects`` to ``out`` and the reverse process of one TLE subject to ``film``; resumes by itself.

    A subject whose volume is empty or not finite twice is listed as failed in ``outcomes.tsv`` and left out.

    Raises:
        TlesynthError: CFG-002 for a sampler that does not fit the model, CFG-010 if ``out`` was made otherwise,
            NUM-006 if every subject failed, OPS-075 after a stop request.
    """
    writer = CohortWriter(out, GRIDS[synthesizer.diffusion.grid], "synthetic", "Synthetic T1 cohort", ABOUT)
    durable.sweep(out)
    starring = next((s for s in subjects if s.group == "tle"), subjects[0])
    failed: dict[str, str] = {}
    done = sum(_is_done(writer, synthesizer, s) for s in subjects)
    with bar("sampling", len(subjects), done) as shown:
        for batch in _batches(subjects, synthesizer.settings.batch_size):
            interruption.check()
            filming = film is not None and starring in batch and not films.stands(film, synthesizer, starring)
            if filming or not all(_is_done(writer, synthesizer, s) for s in batch):
                sampled = synthesizer.draw(batch, 0, synthesizer.settings.film_frames if filming else 0)
                if film is not None and filming:
                    place = batch.index(starring)
                    moments = {time: latents[place] for time, latents in sampled.film.items()}
                    films.write_film(film, synthesizer, starring, moments)
                failed |= _write_batch(writer, synthesizer, batch, sampled.latents, shown)
    _finish(out, writer, subjects, failed)


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
    table = pd.DataFrame([dict(s.asked) for s in rows], index=pd.Index([s.participant_id for s in rows]))
    table = table.reindex(columns=list(dict.fromkeys(["group", "side", *table.columns])))
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


def _batches(subjects: list[Subject], size: int) -> Iterator[list[Subject]]:
    for start in range(0, len(subjects), size):
        yield subjects[start : start + size]
