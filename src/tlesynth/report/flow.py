"""From scans to splits: who was found, left out and why, kept, and shared out, as a diagram.

CLAIM and STARD ask for it: every exclusion stands there once, with its reason, and the numbers add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

from markupsafe import Markup

from tlesynth.errors import REGISTRY
from tlesynth.report.quoting import Quoter
from tlesynth.report.sources import MISSING_CELL, Files, cell

SPLITS = {
    "gen_train": "trains the generator and the classifiers",
    "val": "chooses checkpoints and thresholds",
    "test": "measured once, at the end",
    "audit_holdout": "trains and chooses nothing; a reference for the evaluation",
}
GROUPS = {"hc": "controls", "tle": "TLE"}
WIDTH, MARGIN, GAP = 960, 1, 16
TRUNK, ASIDE = 300, 430
"""Width of the boxes down the middle, and where the box of exclusions begins."""
LINE, LETTER = 18.0, 6.9
"""Height of a line and mean width of a letter at the diagram's 14 pixels."""


@dataclass(frozen=True)
class Exclusion:
    """Why scans were left out, and the source of their count."""

    reason: str
    source: str


@dataclass(frozen=True)
class Flow:
    """The subjects' way: sources of counts; what is not known is empty."""

    discovered: str
    kept: str
    groups: dict[str, str]
    """Those kept, by group."""
    excluded: tuple[Exclusion, ...]
    splits: dict[str, dict[str, str]]
    """By split: total, hc, tle."""
    synthetic: dict[str, str]
    synthetic_failed: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a box: ``text`` with a number before it, where ``source`` names one; ``kind`` is its look."""

    text: str
    source: str = ""
    kind: str = "plain"


@dataclass(frozen=True)
class Box:
    """A box at ``x``, ``y`` of ``width``; its height follows from its lines."""

    x: float
    y: float
    width: float
    lines: tuple[Line, ...]
    middle: bool = True

    @property
    def height(self) -> float:
        """Lines, a taller one for each number that leads, and the padding."""
        return LINE * len(self.lines) + 8 * sum(line.kind == "lead" for line in self.lines) + 20

    @property
    def centre(self) -> float:
        """The middle in x."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height


def read(files: Files, derivatives: str = "derivatives/", splits: str = "splits.tsv") -> Flow:
    """How many scans were found, left out, kept and shared out; ``derivatives`` is the folder before the tables.

    Without a table of splits (``splits`` empty or not there) the way ends with the scans kept.
    """
    outcomes, derived = f"{derivatives}outcomes.tsv", f"{derivatives}participants.tsv"
    made = "synthetic/participants.tsv"
    return Flow(
        discovered=cell(outcomes, "count()") if files.has(outcomes) else "",
        kept=cell(derived, "count()") if files.has(derived) else "",
        groups={g: cell(derived, "count()", group=g) for g in GROUPS} if files.has(derived) else {},
        excluded=_exclusions(files, outcomes),
        splits=_shares(files, splits),
        synthetic={g: cell(made, "count()", group=g) for g in GROUPS} if files.has(made) else {},
        synthetic_failed=_failed(files, "synthetic/outcomes.tsv"),
    )


def drawn(flow: Flow, quoter: Quoter) -> Markup:
    """The diagram as inline SVG; every number is printed by its source."""
    x = (WIDTH - TRUNK) / 2 if not flow.excluded and not flow.discovered else 60
    boxes: list[Box] = []
    paths: list[str] = []
    aside = None
    if flow.discovered:
        boxes.append(Box(x, MARGIN, TRUNK, (Line("", flow.discovered, "lead"), Line("scans found"))))
        aside = Box(ASIDE, boxes[0].bottom + GAP, WIDTH - ASIDE - MARGIN, _reasons(flow), middle=False)
        boxes.append(aside)
    top = aside.bottom + GAP if aside else MARGIN
    kept = Box(x, top, TRUNK, _kept(flow))
    boxes.append(kept)
    if aside:
        paths.append(_arrow(kept.centre, boxes[0].bottom, kept.centre, kept.y))
        paths.append(_arrow(kept.centre, aside.y + aside.height / 2, aside.x, aside.y + aside.height / 2))
    shares = _share_boxes(flow, kept.bottom + 3 * GAP)
    if shares:
        rail = kept.bottom + 1.4 * GAP
        ends = [kept.centre, *(box.centre for box in shares)]
        paths.append(f"M{kept.centre:g} {kept.bottom:g}V{rail:g}M{min(ends):g} {rail:g}H{max(ends):g}")
        paths += [_arrow(box.centre, rail, box.centre, box.y) for box in shares]
    height = max(box.bottom for box in [*boxes, *shares]) + MARGIN
    inner = Markup().join(_box(box, quoter) for box in [*boxes, *shares])
    return Markup(
        '<div class="scroll flow-scroll" tabindex="0" role="region" aria-label="From scans to splits">'
        '<svg class="flow-chart" viewBox="0 0 {} {:g}" width="{}" height="{:g}" role="group" aria-label="{}">'
        '<path class="way" d="{}"/>{}</svg></div>'
    ).format(WIDTH, height, WIDTH, height, "Flow of scans, read from top to bottom", "".join(paths), inner)


def _shares(files: Files, name: str) -> dict[str, dict[str, str]]:
    if not name or not files.has(name):
        return {}
    there = files.table(name)["split"].fillna(MISSING_CELL).unique()
    order = [s for s in SPLITS if s in there] + sorted(s for s in there if s not in SPLITS)
    return {
        split: {"total": cell(name, "count()", split=split)}
        | {g: cell(name, "count()", split=split, group=g) for g in GROUPS}
        for split in order
    }


def _exclusions(files: Files, name: str) -> tuple[Exclusion, ...]:
    if not files.has(name):
        return ()
    table = files.table(name)
    # The code groups what the messages, which name a number or a file, would tell apart.
    kinds = table.loc[table["status"] != "ok", ["status", "code"]].fillna(MISSING_CELL).drop_duplicates()
    return tuple(
        Exclusion(_reason(status, code), cell(name, "count()", status=status, code=code))
        for status, code in kinds.itertuples(index=False)
    )


def _reason(status: str, code: str) -> str:
    words = status.replace("-", " ")
    return f"{words}: {REGISTRY[code].what} ({code})" if code in REGISTRY else words


def _failed(files: Files, name: str) -> str:
    source = cell(name, "count()", status="failed")
    return source if files.get(source, 0) else ""


def _reasons(flow: Flow) -> tuple[Line, ...]:
    if not flow.excluded:
        return (Line("none left out"),)
    lines = [Line("left out:", kind="soft")]
    for row in flow.excluded:
        first, *more = wrap(row.reason, int((WIDTH - ASIDE) / LETTER) - 8)
        lines += [Line(first, row.source), *(Line(text, kind="hanging") for text in more)]
    return tuple(lines)


def _kept(flow: Flow) -> tuple[Line, ...]:
    if not flow.kept:
        return (Line("none prepared yet"),)
    groups = (Line(words, flow.groups[g], "soft") for g, words in GROUPS.items() if g in flow.groups)
    return (Line("", flow.kept, "lead"), Line("prepared and used"), *groups)


def _share_boxes(flow: Flow, top: float) -> list[Box]:
    if not flow.splits:
        return []
    width = (WIDTH - 2 * MARGIN - GAP * (len(flow.splits) - 1)) / len(flow.splits)
    boxes = []
    for place, (split, counts) in enumerate(flow.splits.items()):
        groups = [Line(words, counts[g], "soft") for g, words in GROUPS.items()]
        role = [Line(text, kind="soft") for text in wrap(SPLITS.get(split, ""), int(width / LETTER) - 2)]
        lines = (Line("", counts["total"], "lead"), Line(split, kind="code"), *groups, *role)
        boxes.append(Box(MARGIN + place * (width + GAP), top, width, lines))
    tallest = max(len(box.lines) for box in boxes)
    fill = Line("")
    return [Box(b.x, b.y, b.width, b.lines + (fill,) * (tallest - len(b.lines))) for b in boxes]


def _box(box: Box, quoter: Quoter) -> Markup:
    shape = Markup('<rect x="{:g}" y="{:g}" width="{:g}" height="{:g}" rx="8"/>').format(
        box.x, box.y, box.width, box.height
    )
    texts, y = [shape], box.y + 10
    for line in box.lines:
        y += LINE + (8 if line.kind == "lead" else 0)
        x = box.centre if box.middle else box.x + (44 if line.kind == "hanging" else 16)
        number = _number(line.source, quoter) if line.source else Markup()
        between = " " if line.source and line.text else ""
        anchor = "middle" if box.middle else "start"
        texts.append(
            Markup('<text class="{}" x="{:g}" y="{:g}" text-anchor="{}">{}{}{}</text>').format(
                line.kind, x, y - 4, anchor, number, between, line.text
            )
        )
    return Markup().join(texts)


def _number(source: str, quoter: Quoter) -> Markup:
    """As the quoter prints it and with its source, in an element that SVG knows."""
    quoter.count(source)
    value, text = quoter.files.resolve(source), quoter.quotes[source].text
    return Markup('<tspan data-value="{}" data-source="{}">{}</tspan>').format(float(value), source, text)


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    """A line with a head, along one axis."""
    head = f"M{to_x - 4:g} {to_y - 7:g}l4 7l4 -7" if x == to_x else f"M{to_x - 7:g} {to_y - 4:g}l7 4l-7 4"
    return f"M{x:g} {y:g}L{to_x:g} {to_y:g}{head}"
