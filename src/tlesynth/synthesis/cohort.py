"""Writes a synthetic cohort as BIDS: every volume with its origin; a killed run goes on where it stopped.

What the guard finds to be a copy of a training scan is not written.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from tlesynth import durable, interruption
from tlesynth.data.cohort import CohortWriter, volume_path
from tlesynth.errors import fail
from tlesynth.locking import beside, holding
from tlesynth.privacy.gate import CERTIFICATE
from tlesynth.progress import Bar, bar, say
from tlesynth.recipe import Privacy
from tlesynth.synthesis.background import FAINTEST, Cleaned, cleaned
from tlesynth.synthesis.guard import LEDGER, Guard, read_drawn
from tlesynth.synthesis.place import require_place
from tlesynth.synthesis.requests import Subject
from tlesynth.volume import Grid

ATTEMPTS = 2
"""Draws of a subject: an empty or non-finite volume is drawn once more, with a new seed."""
OUTCOMES = "outcomes.tsv"
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


@dataclass(frozen=True)
class Drawing:
    """What a cohort is drawn from, what guards it, and where it goes."""

    source: Source
    guard: Guard
    writer: CohortWriter

    def origin(self, subject: Subject, attempt: int) -> dict[str, Any]:
        """All that decides a subject's volume, as its sidecar tells it."""
        return self.source.sidecar(subject, attempt) | {"BackgroundBelow": FAINTEST}

    def origins(self, subject: Subject) -> list[dict[str, Any]]:
        """The same, by attempt."""
        return [self.origin(subject, attempt) for attempt in range(ATTEMPTS)]


@dataclass(frozen=True)
class LeftOut:
    """Why a subject has no volume: ``failed`` (empty, not finite) or ``copy``."""

    status: str
    why: str


A_COPY = LeftOut("copy", "it repeats a training scan")


def sample_cohort(
    source: Source, subjects: list[Subject], out: Path, about: str = ABOUT, guard: Guard | None = None
) -> None:
    """Write ``subjects`` to ``out``, but for the copies that ``guard`` finds; resumes by itself.

    A subject whose volume is empty or not finite twice is listed as failed in ``outcomes.tsv`` and left out, as are
    copies. A cohort that the gate refuses has a certificate, but no participants.tsv: no stage takes it for a cohort.

    Raises:
        TlesynthError: CFG-002 for a sampler that does not fit the model, CFG-005 if ``out`` holds anything else,
            CFG-010 if it was made otherwise or holds somebody else, NUM-006 if every subject failed, OPS-010 if another
            process samples there, PRIV-010 if too many are copies, OPS-075 after a stop request.
    """
    writer = CohortWriter(out, source.grid, "synthetic", "Synthetic T1 cohort", about)
    with holding(out, beside(out)):  # not in it: the folder is made to be shared
        durable.sweep(out)
        require_place(writer, (s.participant_id for s in subjects), (OUTCOMES, CERTIFICATE, LEDGER))
        _sample(Drawing(source, guard or Guard(Privacy()), writer), subjects)


def _sample(drawing: Drawing, subjects: list[Subject]) -> None:
    source, left_out = drawing.source, dict[str, LeftOut]()
    drawing.guard.resume(drawing.writer.root)
    left = [subject for subject in subjects if not _is_settled(drawing, subject, left_out)]
    with bar("sampling", len(subjects), len(subjects) - len(left)) as shown:
        for start in range(0, len(left), source.batch_size):
            interruption.check()
            _write_batch(drawing, left[start : start + source.batch_size], left_out, shown)
    _finish(drawing, subjects, left_out)


def _write_batch(drawing: Drawing, batch: list[Subject], left_out: dict[str, LeftOut], shown: Bar) -> None:
    """Draw and write the subjects of a batch; those that cannot be written are added to ``left_out``."""
    for subject, volume in zip(batch, drawing.source.volumes(batch, 0), strict=True):
        drawn = volume
        for attempt in range(ATTEMPTS):
            if attempt:
                drawn = next(drawing.source.volumes([subject], attempt))
            finite = bool(np.isfinite(drawn).all())
            brain = cleaned(drawn) if finite else None
            if brain and brain.voxels.any():
                if not _write(drawing, subject, brain, attempt):
                    left_out[subject.participant_id] = A_COPY
                break
        else:
            why = "empty" if finite else "not finite"
            left_out[subject.participant_id] = LeftOut("failed", why)
            say(str(fail("NUM-006", subject.participant_id, why)))
        shown.advance()


def _write(drawing: Drawing, subject: Subject, brain: Cleaned, attempt: int) -> bool:
    """Write a volume unless it is a copy; whether it was written."""
    name, writer, origin = subject.participant_id, drawing.writer, drawing.origin(subject, attempt)
    if drawing.guard.is_copy(name, brain.voxels, writer.grid, origin, writer.root):
        return False
    writer.write(name, brain.voxels, origin | {"BackgroundRemoved": brain.removed}, note="synthetic")
    return True


def _finish(drawing: Drawing, subjects: list[Subject], left_out: dict[str, LeftOut]) -> None:
    out = drawing.writer.root
    if sum(missing.status == "failed" for missing in left_out.values()) == len(subjects):
        raise fail("NUM-006", out, f"every one of {len(subjects)} subjects failed")
    ended = [left_out.get(s.participant_id, LeftOut("ok", "")) for s in subjects]
    listed = pd.DataFrame({"participant_id": [s.participant_id for s in subjects]})
    listed["status"], listed["why"] = [end.status for end in ended], [end.why or None for end in ended]
    durable.write_table(out / OUTCOMES, listed)
    durable.write_text(out / ".bidsignore", f"{OUTCOMES}\n{CERTIFICATE}\n{LEDGER}\n")
    (out / "participants.tsv").unlink(missing_ok=True)
    rows = [s for s in subjects if s.participant_id not in left_out]
    standing = [_path(drawing.writer, s.participant_id) for s in rows]
    drawing.guard.close(out, [s.participant_id for s in subjects], standing, drawing.writer.grid)
    table = pd.DataFrame([dict(s.asked) for s in rows], index=pd.Index([s.participant_id for s in rows]))
    drawing.writer.finish(table.reindex(columns=list(dict.fromkeys(["group", "side", *table.columns]))))


def _path(writer: CohortWriter, name: str) -> Path:
    return volume_path(writer.root, name, writer.grid, writer.desc)


def _is_settled(drawing: Drawing, subject: Subject, left_out: dict[str, LeftOut]) -> bool:
    """Whether a subject needs no drawing: it stands, or is known to be a copy; one made otherwise is refused.

    One that stands and was never compared with these training scans is compared now.
    """
    name, writer, guard = subject.participant_id, drawing.writer, drawing.guard
    origins, found = drawing.origins(subject), writer.sidecar(name)
    if guard.is_known_copy(name, origins):
        left_out[name] = A_COPY
        return True
    if found is None:
        return False
    origin = next((one for one in origins if one.items() <= found.items()), None)
    if origin is None:
        changed = [key for key, value in origins[0].items() if found.get(key) != value]
        raise fail("CFG-010", writer.root, f"{name} differs in {', '.join(changed)}")
    if not guard.has_judged(name, origins):
        stands = read_drawn(_path(writer, name), writer.grid)
        if guard.is_copy(name, stands, writer.grid, origin, writer.root):
            shutil.rmtree(writer.root / name)
            left_out[name] = A_COPY
    return True
