"""The section of the augmentation study: what the template asks for, from the study's ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tlesynth.report import ledger_figures
from tlesynth.report.pictures import Picture
from tlesynth.report.sources import Absent, Files, pointer

LEDGER = "augmentation/ledger.json"
KINDS = {
    "efficientnet": "The paper's 2D network on coronal slices",
    "cnn3d": "A 3D network",
    "volumes": "A model on measured volumes",
}
PARTS = {
    "side": "seizures on the",
    "hs": "sclerosis:",
    "site": "site",
    "sex": "sex",
    "age": "age",
    "untouched": "unseen",
}
TONES = {"gain": "good", "harm": "bad", "none": "mixed", "excluded": "mixed", "cannot": "unknown"}


@dataclass(frozen=True)
class Network:
    """One kind of classifier of the study, with its arms in order and its two figures."""

    name: str
    words: str
    arms: list[str]
    plain: list[str]
    """The same without the one that validation composes, the real scans first."""
    rival: str
    ratios: dict[str, int]
    """How many splits validation chose each ratio for."""
    verdict: str
    tone: str
    forest: Picture | None
    curve: Picture | None


@dataclass(frozen=True)
class Study:
    """The study as the page tells it; ``at`` makes a source within the ledger."""

    networks: list[Network]
    at: Callable[..., str]
    words: Callable[[str], str]
    verdicts: dict[str, str]
    meanings: dict[str, str]
    parts: dict[str, str]
    paper_arms: tuple[str, ...]

    @property
    def primary(self) -> Network:
        """The network that was declared to decide."""
        return self.networks[0]


def study(files: Files) -> Study | None:
    """What the run's study found, or nothing where there is none yet."""
    try:
        found = files.document(LEDGER)
    except Absent:
        return None
    names = [found["primary"]["network"]]
    names += [name for name in found["networks"] if name not in names]
    return Study(
        [_network(name, found["networks"][name]) for name in names],
        lambda *keys: pointer(LEDGER, *keys),
        ledger_figures.words_of,
        found["words"]["verdict"],
        found["words"]["meaning"],
        PARTS,
        ("real", "synthetic", "real+0.25", "real+0.5"),
    )


def _network(name: str, part: dict[str, Any]) -> Network:
    chosen, arms = list(part["chosen"].values()), ledger_figures.ordered(list(part["arms"]))
    return Network(
        name,
        KINDS.get(name, name),
        arms,
        sorted((arm for arm in arms if arm != ledger_figures.CHOSEN), key=lambda arm: arm != "real"),
        part["rival"],
        {arm: chosen.count(arm) for arm in sorted(set(chosen))},
        part["verdict"],
        TONES[part["verdict"]],
        ledger_figures.forest(part),
        ledger_figures.learning_curve(part),
    )
