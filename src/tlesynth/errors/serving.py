"""The rows of the registry that serving a reader study or a gallery raises: STUDY-020 to 039."""

from __future__ import annotations

from tlesynth.errors.entry import Entry
from tlesynth.errors.statuses import LOCKED, MODEL, RESOURCE, USAGE

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
