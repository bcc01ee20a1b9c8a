"""What became of each participant: a small file each, so that many processes can write, and the tables made of them.

``discovered = ok + skipped + failed + excluded + not-run`` is asserted whenever the tables are written.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tlesynth import durable
from tlesynth.data.cohort import LEDGER
from tlesynth.errors import REGISTRY, TlesynthError

FINISHED = ("ok", "excluded")


@dataclass(frozen=True)
class Outcome:
    """How one participant ended: ok, skipped, failed, excluded or not-run, with a code where it is not ok."""

    participant_id: str
    status: str
    code: str | None = None
    message: str | None = None
    quality: dict[str, Any] = field(default_factory=dict)
    volumes: dict[str, float] = field(default_factory=dict)
    """mm3 by name."""
    mask_method: str | None = None
    seconds: float | None = None
    made_by: str = ""
    """Hash of settings, seed, template and method."""
    inputs: dict[str, list[Any]] = field(default_factory=dict)
    """Size, time in ns and SHA-256 of each file read, by its path in the cohort."""
    traceback: str | None = None
    """Of an error we did not foresee."""


@dataclass(frozen=True)
class Counts:
    """How many participants ended in which way; ``discovered`` is their sum."""

    discovered: int
    ok: int
    skipped: int
    failed: int
    not_run: int
    excluded: int = 0


class Ledger:
    """The outcome files of an output folder."""

    def __init__(self, out: Path) -> None:
        self.folder = Path(out) / LEDGER / "outcomes"

    def read(self, participant_id: str) -> Outcome | None:
        """The outcome of a participant, or nothing where there is none or it cannot be read."""
        path = self._path(participant_id)
        try:
            return Outcome(**durable.read_json(path)) if path.is_file() else None
        except (TlesynthError, TypeError):
            return None

    def write(self, outcome: Outcome) -> None:
        """Put an outcome down, in the place of an earlier one."""
        known = {f.name: getattr(outcome, f.name) for f in fields(outcome)}
        durable.write_json(self._path(outcome.participant_id), {k: _plain(v) for k, v in known.items() if v})

    def _path(self, participant_id: str) -> Path:
        return self.folder / f"{participant_id}.json"


def judged(outcomes: Mapping[str, Outcome], verdict: pd.DataFrame) -> dict[str, Outcome]:
    """The outcomes with the cohort's verdict (participant_id, flags, use, why and more): some are excluded."""
    found = dict(outcomes)
    for row in verdict.to_dict("records"):
        name, why = str(row.pop("participant_id")), str(row["why"])
        outcome = replace(found[name], quality=found[name].quality | {str(k): v for k, v in row.items()})
        if row["use"] == "no":
            outcome = replace(outcome, status="excluded", code="QC-001", message=why)
        found[name] = outcome
    return found


def write_tables(
    out: Path, outcomes: Mapping[str, Outcome], people: Mapping[str, tuple[str | None, str | None]]
) -> None:
    """Write outcomes.tsv, qc.tsv and, where there are volumes, volumes.tsv, sorted by participant_id.

    ``people`` gives group and site, where they are known.
    """
    rows = [outcomes[name] for name in sorted(outcomes)]
    unknown = (None, None)
    ledger = [
        (o.participant_id, *people.get(o.participant_id, unknown), o.status, o.code, _one_line(o.message)) for o in rows
    ]
    columns = ["participant_id", "group", "site", "status", "code", "message"]
    durable.write_table(out / "outcomes.tsv", pd.DataFrame(ledger, columns=columns))
    done = [o for o in rows if o.status in FINISHED]
    durable.write_table(out / "qc.tsv", pd.DataFrame([_quality_row(o) for o in done] or [_EMPTY]).iloc[: len(done)])
    volumes = [{"participant_id": o.participant_id, **o.volumes} for o in done if o.volumes]
    if volumes:
        durable.write_table(out / "volumes.tsv", pd.DataFrame(volumes))


def counts_of(outcomes: Mapping[str, Outcome], discovered: int) -> Counts:
    """Count the outcomes, which must be one for each participant discovered."""
    by = Counter(outcome.status for outcome in outcomes.values())
    counts = Counts(discovered, by["ok"], by["skipped"], by["failed"], by["not-run"], by["excluded"])
    if discovered != sum(asdict(counts).values()) - discovered:
        raise RuntimeError(f"the ledger does not add up: {counts}")
    return counts


def summary(outcomes: Iterable[Outcome]) -> list[str]:
    """One line for each code, most frequent first: ``13 subjects: NII-003 (the gzip data are damaged)``."""
    by = Counter(outcome.code for outcome in outcomes if outcome.code)
    return [f"{n} subject{'s' if n > 1 else ''}: {code} ({REGISTRY[code].what})" for code, n in by.most_common()]


_EMPTY = {"participant_id": "", "seconds": 0.0}


def _quality_row(outcome: Outcome) -> dict[str, Any]:
    row = {"participant_id": outcome.participant_id, **outcome.quality, "mask": outcome.mask_method}
    return row | {"seconds": None if outcome.seconds is None else round(outcome.seconds, 2)}


def _one_line(text: str | None) -> str | None:
    return " ".join(text.split()) if text else None


def _plain(value: Any) -> Any:
    """``value`` as JSON takes it: no NaN, no NumPy."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
