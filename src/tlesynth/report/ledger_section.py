"""The section of the augmentation study: what the template asks for, from the study's ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tlesynth.report import decision_figures, ledger_figures
from tlesynth.report.pictures import Picture
from tlesynth.report.sources import Absent, Files, pointer

LEDGER = "augmentation/ledger.json"
KINDS = {
    "efficientnet": "The paper's 2D network on coronal slices",
    "cnn3d": "A 3D network",
    "volumes": "A model on measured volumes",
}
WITHIN = {
    "efficientnet": "the paper's 2D network on coronal slices",
    "cnn3d": "a 3D network",
    "volumes": "a model on measured volumes",
}
"""The same within a sentence."""
TLE = "tle"
CLASSES = {TLE: ("controls", "patients"), "side": ("patients with seizures on the right", "on the left")}
"""By task: those with a label of 0, and of 1."""
PAPER_ARMS = ("real", "synthetic", "real+0.25", "real+0.5")
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
    within: str
    """The words within a sentence."""
    declared: bool
    """Whether its comparison is the one that was declared to decide."""
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
    reliability: Picture | None
    benefit: Picture | None


@dataclass(frozen=True)
class Study:
    """The study as the page tells it; ``at`` makes a source within the ledger."""

    networks: list[Network]
    at: Callable[..., str]
    words: Callable[[str], str]
    verdicts: dict[str, str]
    meanings: dict[str, str]
    parts: dict[str, str]
    classes: tuple[str, str]
    of_tle: bool
    """Whether it asks for TLE against controls, as the paper does; else for the side of the seizures."""

    @property
    def paper_arms(self) -> tuple[str, ...]:
        """The paper's rows that may stand beside ours: those of the same question."""
        return PAPER_ARMS if self.of_tle else ()

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
    task = found["about"]["task"]
    names += [name for name in found["networks"] if name not in names]
    return Study(
        [_network(name, found["networks"][name], declared=name == names[0]) for name in names],
        lambda *keys: pointer(LEDGER, *keys),
        ledger_figures.words_of,
        found["words"]["verdict"],
        found["words"]["meaning"],
        PARTS,
        CLASSES[task],
        task == TLE,
    )


def _network(name: str, part: dict[str, Any], *, declared: bool) -> Network:
    chosen, arms = list(part["chosen"].values()), ledger_figures.ordered(list(part["arms"]))
    judged = decision_figures.of_ledger(part)
    return Network(
        name,
        KINDS.get(name, name),
        WITHIN.get(name, name),
        declared,
        arms,
        sorted((arm for arm in arms if arm != ledger_figures.CHOSEN), key=lambda arm: arm != "real"),
        part["rival"],
        {arm: chosen.count(arm) for arm in sorted(set(chosen))},
        part["verdict"],
        TONES[part["verdict"]],
        ledger_figures.forest(part),
        ledger_figures.learning_curve(part),
        decision_figures.reliability(judged) if judged else None,
        decision_figures.benefit(judged) if judged else None,
    )
