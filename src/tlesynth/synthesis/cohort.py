"""Writes a synthetic cohort as BIDS: every volume with its origin; a killed run goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from tlesynth import durable, interruption
from tlesynth.data.cohort import CohortWriter
from tlesynth.errors import fail
from tlesynth.progress import Bar, bar, say
from tlesynth.synthesis.requests import Subject
from tlesynth.synthesis.synthesizer import brain_only
from tlesynth.volume import Grid

ATTEMPTS = 2
"""Draws of a subject: an empty or non-finite volume is drawn once more, with a new seed."""
ABOUT = "Synthetic T1-weighted brain MRI drawn by a latent diffusion model. No scan of a person."


class Source(Protocol):
    """What volumes are drawn from: the models, or one of the baselines."""

    @property
    def grid(self) -> Grid:
        """The grid of its volumes."""
        ...

    @property
    def batch_size(self) -> int:
        """Subjects drawn together; none depends on it."""
        ...

    def volumes(self, subjects: list[Subject], attempt: int) -> Iterator[np.ndarray]:
        """The volume (X, Y, Z) float32 on [0, 1] of each of ``subjects``, before its background is cleaned."""
        ...

    def sidecar(self, subject: Subject, attempt: int) -> dict[str, Any]:
        """What a scan says about its origin: all that decides it."""
        ...


def sample_cohort(source: Source, subjects: list[Subject], out: Path, about: str = ABOUT) -> None:
    """Write ``subjects`` to ``out``; resumes by itself.

    A subject whose volume is empty or not finite twice is listed as failed in ``outcomes.tsv`` and left out.

    Raises:
        TlesynthError: CFG-002 for a sampler that does not fit the model, CFG-010 if ``out`` was made otherwise,
            NUM-006 if every subject failed, OPS-075 after a stop request.
    """
    writer = CohortWriter(out, source.grid, "synthetic", "Synthetic T1 cohort", about)
    durable.sweep(out)
    failed: dict[str, str] = {}
    left = [subject for subject in subjects if not _is_done(writer, source, subject)]
    with bar("sampling", len(subjects), len(subjects) - len(left)) as shown:
        for start in range(0, len(left), source.batch_size):
            interruption.check()
            failed |= _write_batch(writer, source, left[start : start + source.batch_size], shown)
    _finish(out, writer, subjects, failed)


def _write_batch(writer: CohortWriter, source: Source, batch: list[Subject], shown: Bar) -> dict[str, str]:
    """Draw and write the subjects of a batch; the reason of each that failed."""
    failed = {}
    for subject, volume in zip(batch, source.volumes(batch, 0), strict=True):
        drawn = volume
        for attempt in range(ATTEMPTS):
            if attempt:
                drawn = next(source.volumes([subject], attempt))
            finite = bool(np.isfinite(drawn).all())
            brain = brain_only(drawn) if finite else drawn
            if finite and brain.any():
                writer.write(subject.participant_id, brain, source.sidecar(subject, attempt), note="synthetic")
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


def _is_done(writer: CohortWriter, source: Source, subject: Subject) -> bool:
    """Whether a subject stands; one made otherwise is refused."""
    found = writer.sidecar(subject.participant_id)
    if found is None:
        return False
    for attempt in range(ATTEMPTS):
        if source.sidecar(subject, attempt).items() <= found.items():
            return True
    wanted = source.sidecar(subject, 0)
    changed = [key for key, value in wanted.items() if found.get(key) != value]
    raise fail("CFG-010", writer.root, f"{subject.participant_id} differs in {', '.join(changed)}")
