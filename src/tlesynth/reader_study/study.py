"""What a study folder holds and how it is read: everything the readers and the server may know, and no truth.

::

    STUDY/study.json    what is asked, of whom, about which items; the SHA-256 of each item and of the key
    STUDY/trials.json   each reader's own list, in order
    STUDY/items/*.nii   canonical copies (``canonical.py``) under random names
    STUDY.key.json      the truth (``key.py``): beside the folder, never in it

``seed`` chose the scans. Names and orders come from a secret in the key: seed and code together give none away.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from tlesynth import durable
from tlesynth.errors import fail

Design = Literal["yes-no", "2afc", "diagnosis"]
Kind = Literal["warm-up", "case", "repeat"]
Convention = Literal["neurological", "radiological"]
DESIGNS: tuple[Design, ...] = get_args(Design)
CONVENTIONS: dict[Convention, str] = {
    "neurological": "the patient's left on the left",
    "radiological": "the patient's left on the right",
}
"""How a scan lies on the screen at first, with its words; neurological is how every picture of tlesynth lies."""
VERSION = 2
STUDY, TRIALS, ITEMS = "study.json", "trials.json", "items"
CONFIDENCES = (1, 2, 3, 4, 5, 6)
REHEARSED = "rehearsal: no human read these"
"""What every page, table and figure made from a rehearsal says."""

QUESTIONS: dict[Design, str] = {
    "yes-no": "Is this a scan of a person, or was it made by a computer?",
    "2afc": "One of these two scans was made by a computer. Which?",
    "diagnosis": "Is this a healthy control, or temporal lobe epilepsy of the left or right side?",
}
SCALES: dict[Design, tuple[str, ...]] = {
    "yes-no": (
        "surely a person",
        "probably a person",
        "perhaps a person",
        "perhaps a computer",
        "probably a computer",
        "surely a computer",
    ),
    "2afc": (
        "surely the first",
        "probably the first",
        "perhaps the first",
        "perhaps the second",
        "probably the second",
        "surely the second",
    ),
    "diagnosis": ("a guess", "very unsure", "unsure", "rather sure", "sure", "certain"),
}
"""The words of confidence 1 to 6."""
CHOICES: dict[Design, dict[str, str]] = {
    "yes-no": {},
    "2afc": {},
    "diagnosis": {"hc": "healthy control", "left": "left TLE", "right": "right TLE"},
}
"""What is chosen besides the confidence, with its words; nothing where the confidence says it all."""
ANATOMY = ("impossible", "several faults", "one clear fault", "a slight doubt", "no fault")
"""The words of the anatomy score 1 to 5, where a study asks for it."""


@dataclass(frozen=True)
class Study:
    """``study.json``: all that is public of a study."""

    id: str
    design: Design
    seed: int
    created: str
    """UTC, ISO 8601, to the second."""
    grid: str
    shape: tuple[int, int, int]
    spacing_mm: float
    window: tuple[int, int]
    """Intensities to show as black and white; the same for every item."""
    question: str
    scale: tuple[str, ...]
    choices: dict[str, str]
    readers: tuple[str, ...]
    items: dict[str, str]
    """SHA-256 of ``items/ID.nii`` by id."""
    key_sha256: str
    """Of the key file's bytes: who made the study cannot change the truth after the answers."""
    made: dict[str, Any] = field(default_factory=dict)
    """How it was made, for the methods paragraph: numbers of scans, splits, share of white voxels, power."""
    convention: Convention = "neurological"
    """How scans lie at first; a reader can turn them, and the page always says which side is which."""
    anatomy: tuple[str, ...] = ()
    """The words of the anatomy score, where it is asked for too; see ``ANATOMY``."""
    rehearsal: bool = False
    """Whether simulated readers answer in this copy; see ``REHEARSED``."""
    version: int = VERSION


@dataclass(frozen=True)
class Trial:
    """One question to one reader. The reader must see neither ``kind`` (but for warm-ups) nor the items' ids."""

    trial: str
    """Random; what the browser knows a question by."""
    kind: Kind
    items: tuple[str, ...]
    """One id, or for 2afc the first and the second."""
    feedback: str | None = None
    """Of warm-ups alone, the right answer in words."""


def called(confidence: int) -> bool:
    """Whether a confidence says synthetic (yes-no), or that the second is synthetic (2afc)."""
    return confidence > CONFIDENCES[-1] / 2


def item_path(folder: Path, item: str) -> Path:
    """Where an item's volume lies."""
    return Path(folder) / ITEMS / f"{item}.nii"


def write_study(folder: Path, study: Study, trials: dict[str, tuple[Trial, ...]]) -> None:
    """Write ``study.json`` and ``trials.json``."""
    durable.write_json(Path(folder) / STUDY, asdict(study))
    lists = {reader: [asdict(trial) for trial in asked] for reader, asked in trials.items()}
    durable.write_json(Path(folder) / TRIALS, lists)


def seal(study: Study, trials: dict[str, tuple[Trial, ...]]) -> str:
    """SHA-256 of what readers are asked, which the key holds: all but the copy's own name and the key's hash."""
    told = {k: v for k, v in asdict(study).items() if k not in ("id", "rehearsal", "key_sha256")}
    return durable.hash_of([told, {reader: [asdict(trial) for trial in asked] for reader, asked in trials.items()}])


def own_id(original: str, *, rehearsal: bool) -> str:
    """The id of a study, or of a rehearsal of it: answers of one can never pass for those of the other."""
    return f"rehearsal-{original}" if rehearsal else original


def read_study(folder: Path) -> Study:
    """Read ``study.json``.

    Raises:
        TlesynthError: STUDY-001 if it is missing, damaged or of another version.
    """
    path = Path(folder) / STUDY
    found = durable.read_json(path, "STUDY-001")
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise fail("STUDY-001", path, f"it is not of version {VERSION}")
    return _made(Study, found, path)


def read_trials(folder: Path) -> dict[str, tuple[Trial, ...]]:
    """Each reader's trials in order.

    Raises:
        TlesynthError: STUDY-001 if the file is missing or damaged.
    """
    path = Path(folder) / TRIALS
    found = durable.read_json(path, "STUDY-001")
    if not isinstance(found, dict) or not all(isinstance(asked, list) for asked in found.values()):
        raise fail("STUDY-001", path, "it holds no list for each reader")
    return {reader: tuple(_made(Trial, one, path) for one in asked) for reader, asked in found.items()}


def verify_items(folder: Path, study: Study) -> None:
    """Check that ``items/`` holds exactly the files the study was made with.

    Raises:
        TlesynthError: STUDY-006 if a file is missing, added or changed.
    """
    there = {path.name for path in (Path(folder) / ITEMS).iterdir()} if (Path(folder) / ITEMS).is_dir() else set()
    if odd := sorted(there ^ {f"{item}.nii" for item in study.items}):
        raise fail("STUDY-006", Path(folder) / ITEMS, f"{odd[0]} is {'not of it' if odd[0] in there else 'missing'}")
    for item, digest in study.items.items():
        path = item_path(folder, item)
        if path.is_symlink() or durable.sha256(path) != digest:
            raise fail("STUDY-006", path, "its SHA-256 is not the one in study.json")


def _made(kind: type, found: Any, path: Path) -> Any:
    """A dataclass from its JSON; lists become tuples."""
    try:
        return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in found.items()})
    except (TypeError, AttributeError) as error:
        raise fail("STUDY-001", path, str(error)) from error
