"""The registry as a page for readers."""

from __future__ import annotations

from tlesynth.errors.registry import REGISTRY
from tlesynth.errors.serving import UNTESTED
from tlesynth.errors.statuses import EXIT_STATUSES


def documentation() -> str:
    """The registry as the page docs/errors.md."""
    lines = [
        "# Errors and exit statuses",
        "",
        "Made from `src/tlesynth/errors/registry.py` by `make docs`. An error is one line: code, where, what, why, "
        "what to do.",
        "",
        "| exit status | meaning |",
        "|---|---|",
        *(f"| {status} | {meaning} |" for status, meaning in EXIT_STATUSES.items()),
        "",
        "| code | what happened | what to do | exit status |",
        "|---|---|---|---|",
        *(f"| {code} | {e.what} | {e.remedy} | {e.exit_status} |" for code, e in sorted(REGISTRY.items())),
        "",
        "## The reader study's server: what no test shows",
        "",
        "What it does about each fault, and which test shows it, stands in [reader study](reader-study.md#serving).",
        "",
        *(f"- {sentence}" for sentence in UNTESTED),
        "",
    ]
    return "\n".join(lines)
