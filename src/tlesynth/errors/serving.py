"""The rows of the registry that serving a reader study or a gallery raises: STUDY-020 to 039."""

from __future__ import annotations

from tlesynth.errors.entry import Entry
from tlesynth.errors.statuses import LOCKED, MODEL, RESOURCE, USAGE

UNTESTED = (
    "Headers sent a byte at a time (J16): there is no clock for headers, only at most 512 connections. Let a proxy "
    "stand before the server where strangers can reach it.",
    "Power that fails (J22): SIGKILL at any moment is tested; that a disk keeps what it has confirmed is its maker's "
    "promise.",
    "An owner who rewrites the whole database with its chain (J25): a changed row is found; keep backups/*.sha256 "
    "elsewhere to find that too.",
    "A browser that crashes (J27): answers sent again, from two tabs or after the server was away are tested; its own "
    "store is trusted to outlive it.",
    "32 readers at once (J32): measured by benchmarks/reader_study, not tested, since a clock in a test on a busy "
    "machine proves nothing.",
    "Motion, wrap, texture, lesions and implants that only one origin has (K15, K16, K18): they are the image itself. "
    "The audit measures some, the machine reader sees them all, and nothing hides them.",
    "Readers who talk about scans (K20), or who do not say that they know one (K22): for the protocol, not for a "
    "program.",
)
"""What the lists of faults J (server) and K (blinding) ask for and no test shows, with the reason."""
ROWS: dict[str, Entry] = {
    "STUDY-020": Entry(
        "the database of the answers is damaged, or was changed by hand",
        "Keep it aside, put the last copy from backups/ in its place as study.sqlite, and serve again.",
        MODEL,
    ),
    "STUDY-021": Entry(
        "the database belongs to another study", "Give the study folder that these answers were collected in.", USAGE
    ),
    "STUDY-022": Entry(
        "other machines could read the pages on their way",
        "Serve on 127.0.0.1 and tunnel to it (ssh -L), give --certificate and --key, or say --plain-http.",
        USAGE,
    ),
    "STUDY-023": Entry("the address cannot be used", "Choose another --port, --host or --name.", RESOURCE),
    "STUDY-024": Entry(
        "the certificate cannot be used", "Give --certificate and --key as PEM files that match.", USAGE
    ),
    "STUDY-025": Entry(
        "this study is being served already",
        "Use the links that the other server printed, or stop it (Ctrl+C) and start again.",
        LOCKED,
    ),
}
