"""The rows of the registry that the reader study raises: making, auditing and scoring 001-019, serving 020-039."""

from __future__ import annotations

from tlesynth.errors.entry import Entry
from tlesynth.errors.statuses import INPUT, PRIVACY, USAGE

ROWS: dict[str, Entry] = {
    "STUDY-001": Entry(
        "the study cannot be read", "Give the folder that this version's tlesynth study create wrote.", INPUT
    ),
    "STUDY-002": Entry(
        "there are too few scans for this study",
        "Ask for fewer, or give more scans: other splits (--from-split) or a larger cohort.",
        INPUT,
    ),
    "STUDY-003": Entry("the study cannot be made like this", "Correct the option.", USAGE),
    "STUDY-004": Entry(
        "scans that the generator learnt from would be shown as real",
        "Leave gen_train out of --from-split: a generator repeats what it learnt from most easily.",
        USAGE,
    ),
    "STUDY-005": Entry(
        "the key is not the one this study was made with",
        "Give the key that create wrote; a key changed after the study began proves nothing.",
        PRIVACY,
    ),
    "STUDY-006": Entry(
        "a file of the study was changed", "Restore the study from a copy; what was shown is no longer known.", PRIVACY
    ),
    "STUDY-007": Entry(
        "the copies tell real from synthetic without being looked at",
        "Show this study to nobody: remove it and its key, and run create again; audit.json names the channel.",
        PRIVACY,
    ),
    "STUDY-008": Entry("the answers do not fit the study", "Give the study that the answers were given in.", INPUT),
    "STUDY-009": Entry(
        "not every reader has finished",
        "Wait for them, or score what is there with --partial: the result then says so.",
        INPUT,
    ),
    "STUDY-010": Entry(
        "the key of the study is missing",
        "Give --key FILE: create wrote it beside the study as STUDY.key.json, and without it nobody knows the truth.",
        INPUT,
    ),
    "STUDY-011": Entry(
        "nobody has answered a case yet",
        "Let people read it (tlesynth study serve), or try the way with simulated readers (tlesynth study rehearse).",
        INPUT,
    ),
}
