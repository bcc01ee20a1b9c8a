"""What the rivals share: a subject's seed, by its name alone, and what its scan says about its origin."""

from __future__ import annotations

from typing import Any

from tlesynth.seeds import seed_of
from tlesynth.synthesis.requests import Subject


def seed_for(rival: str, seed: int, subject: Subject, attempt: int) -> int:
    """The seed of a subject's generator under the run's ``seed``: whatever is asked for, its draw is the same."""
    return seed_of(seed, f"baseline {rival}", subject.participant_id, attempt)


def origin(rival: str, seed: int, subject: Subject, attempt: int, **made_of: str) -> dict[str, Any]:
    """The sidecar of a scan: all that decides it; ``made_of`` are fingerprints."""
    return {
        "Synthetic": True,
        "Generator": f"baseline {rival}",
        "Seed": seed_for(rival, seed, subject, attempt),
        "Attempt": attempt + 1,
        **made_of,
        "Conditions": dict(subject.asked),
    }
