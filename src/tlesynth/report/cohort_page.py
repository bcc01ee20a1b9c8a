"""The quality page of a prepared cohort: one HTML file to mail, with every scan on it, the worst first.

It holds identifiers, groups, sites, measures and pictures on the template grid; no path, age or sex. Pictures shrink
as the cohort grows: about 8 kB each up to 250 scans, 4 kB from 800 on, so that 2,000 scans make a page of some 10 MB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from tlesynth import __version__, durable
from tlesynth.data.cohort import volume_path
from tlesynth.data.preprocess.homogeneity import shown
from tlesynth.data.preprocess.measures import MEASURES
from tlesynth.errors import REGISTRY, TlesynthError, fail
from tlesynth.progress import bar
from tlesynth.recipe.quality import QualityLimits
from tlesynth.report import flow, thumbnails
from tlesynth.report.histograms import histogram
from tlesynth.report.page import TEMPLATES, templates
from tlesynth.report.pictures import Picture
from tlesynth.report.quoting import Quoter
from tlesynth.report.sections import KINDS
from tlesynth.report.sources import Files
from tlesynth.volume import GRIDS, Grid, read_on

MOST = 2000
"""Scans with a picture; of a larger cohort the worst, and the rest is counted."""
HEIGHTS = {250: 120, 800: 96, 10**9: 64}
"""Height of a picture in pixels by the number of scans up to which it is used."""
ON_CARD = ("homogeneity", "cjv", "noise_snr", "dice")
PATHS = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[/\\](?:[^\s/\\:;,]+[/\\])+")
"""The folders of an absolute path; the file's name may stay."""
UNKNOWN = "not known"


@dataclass(frozen=True)
class Card:
    """One prepared scan: who, what was found, and its picture (none where it cannot be read: then ``why_not``)."""

    participant_id: str
    group: str
    site: str
    used: bool
    reasons: tuple[str, ...]
    measures: tuple[tuple[str, str], ...]
    picture: Picture | None = None
    why_not: str = ""

    @property
    def kind(self) -> str:
        """left-out, flagged or clean."""
        return "left-out" if not self.used else "flagged" if self.reasons else "clean"


@dataclass(frozen=True)
class Missing:
    """A participant without a prepared scan: how it ended, its code, why, and what to do."""

    participant_id: str
    status: str
    code: str
    why: str
    remedy: str


def build(
    derivatives: Path, out: Path, *, limits: QualityLimits | None = None, data: str = "", most: int = MOST
) -> Path:
    """Write the quality page of the cohort that preprocessing wrote into ``derivatives`` to ``out``; return ``out``.

    ``limits`` are those the cohort was judged by (the recipe's ``preprocess.qc``), for the charts; without them the
    defaults are drawn and the page says so. ``data`` says what the scans are (simulated, planted or real) for the
    banner; where it is empty, a simulated cohort beside ``derivatives`` is recognised. At most ``most`` scans get a
    picture, the worst.

    Raises:
        TlesynthError: DATA-011 if preprocessing has left no outcomes.tsv there, DATA-001 if a table is damaged,
            RES-001 if ``out`` cannot be written.
    """
    derivatives = Path(derivatives)
    if not (derivatives / "outcomes.tsv").is_file():
        raise fail("DATA-011", derivatives, "there is no outcomes.tsv: tlesynth preprocess writes it")
    files = Files(derivatives)
    table = _scans(files)
    quoter = Quoter(files)
    cards = _pictured(derivatives, [_card(row) for row in table.to_dict("records")][:most])
    context = {
        "banner": KINDS.get(data or data_beside(derivatives), ""),
        "flow_drawn": flow.drawn(flow.read(files, derivatives="", splits=""), quoter),
        "cards": cards,
        "rest": len(table) - len(cards),
        "missing": _missing(files),
        "tally": _tally(table),
        "charts": _charts(table, limits or QualityLimits()),
        "default_limits": limits is None,
        "groups": sorted({c.group for c in cards}),
        "sites": sorted({c.site for c in cards}),
        "unknown": UNKNOWN,
        "judged": "flags" in table,
        "group_words": flow.GROUPS,
        "version": __version__,
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
    }
    durable.write_text(out, templates().get_template("cohort.html.j2").render(**context))
    return Path(out)


def _scans(files: Files) -> pd.DataFrame:
    """Every finished scan with its group, site and verdict, the worst first."""
    table = files.table("qc.tsv").copy() if files.has("qc.tsv") else pd.DataFrame({"participant_id": []})
    outcomes = files.table("outcomes.tsv").set_index("participant_id")
    people = files.table("participants.tsv") if files.has("participants.tsv") else pd.DataFrame({"participant_id": []})
    people = people.set_index("participant_id")
    for column in ("group", "site"):
        for source in (outcomes, people):
            if column in source:
                found = table["participant_id"].map(source[column])
                table[column] = found if column not in table else table[column].fillna(found)
        table[column] = table[column].fillna(UNKNOWN) if column in table else UNKNOWN
    ended = table["participant_id"].map(outcomes["status"])
    table["used"] = ended != "excluded"
    said = table["participant_id"].map(outcomes["message"]) if "message" in outcomes else None
    if "why" not in table:
        table["why"] = None
    if said is not None:
        table["why"] = table["why"].where(table["used"] | table["why"].notna(), said)
    return _worst_first(table)


def _worst_first(table: pd.DataFrame) -> pd.DataFrame:
    flags = table["flags"].fillna("") if "flags" in table else pd.Series("", table.index)
    words = flags.map(lambda text: [w for w in str(text).split(";") if w])
    # Where nothing tells two scans apart, the one less like the others, or the template, comes first.
    by = next((c for c in ("homogeneity", "correlation") if c in table), None)
    order = pd.DataFrame(
        {
            "used": table["used"],
            "beyond": words.map(lambda found: -sum(not w.endswith("-unusual") for w in found)).astype(int),
            "all": -words.map(len).astype(int),
            "like": pd.to_numeric(table[by], errors="coerce") if by else 0.0,
            "name": table["participant_id"],
        }
    )
    return table.loc[order.sort_values(list(order)).index].reset_index(drop=True)


def _card(row: dict[str, Any]) -> Card:
    why = row["why"] if isinstance(row["why"], str) else ""
    flags = row["flags"] if isinstance(row.get("flags"), str) else ""
    reasons = why.split("; ") if why else [_flag_words(flag, row) for flag in flags.split(";") if flag]
    values = {name: _number(row.get(name)) for name in ON_CARD}
    return Card(
        participant_id=str(row["participant_id"]),
        group=str(row["group"]),
        site=str(row["site"]),
        used=bool(row["used"]),
        reasons=tuple(without_paths(reason) for reason in reasons),
        measures=tuple((name, shown(MEASURES[name], v)) for name, v in values.items() if np.isfinite(v)),
    )


def _flag_words(flag: str, row: dict[str, Any]) -> str:
    """A flag of qc.tsv in words with its value, where the table holds no reason beside it."""
    name, _, side = flag.rpartition("-")
    if name in MEASURES:
        ends = {"low": "below its limit", "high": "above its limit", "unusual": "unusual for the site"}
        return f"{MEASURES[name].words} {shown(MEASURES[name], _number(row.get(name)))}: {ends.get(side, side)}"
    return f"{REGISTRY[flag].what} ({flag})" if flag in REGISTRY else flag


def _number(value: Any) -> float:
    return float(pd.to_numeric(value, errors="coerce")) if value is not None else float("nan")


def without_paths(text: str) -> str:
    """``text`` with the folders of absolute paths taken out: the page may leave the lab."""
    return PATHS.sub("", text)


def _pictured(root: Path, cards: list[Card]) -> list[Card]:
    height = next(pixels for most, pixels in HEIGHTS.items() if len(cards) <= most)
    drawn = []
    with bar("drawing scans", len(cards)) as progress:
        for card in cards:
            drawn.append(_with_picture(root, card, height))
            progress.advance()
    return drawn


def _with_picture(root: Path, card: Card, height: int) -> Card:
    name = card.participant_id
    grid = next((g for g in GRIDS.values() if volume_path(root, name, g, "preproc").is_file()), None)
    if grid is None:
        return replace(card, why_not="its files are not there")
    try:
        voxels, mask = _voxels(root, name, grid)
    except TlesynthError as error:  # one damaged file must not cost the page
        return replace(card, why_not=f"{REGISTRY[error.code].what} ({error.code})")
    alt = f"{name}: coronal, sagittal and axial slice with the outline of the brain mask."
    return replace(card, picture=thumbnails.strip(voxels, mask, grid, alt, height))


def _voxels(root: Path, name: str, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    voxels = read_on(volume_path(root, name, grid, "preproc"), grid)
    path = volume_path(root, name, grid, "brain", "mask")
    return voxels, read_on(path, grid, least_values=1) > 0 if path.is_file() else voxels > 0


def _missing(files: Files) -> list[Missing]:
    """Everyone without a prepared scan, by what happened."""
    table = files.table("outcomes.tsv")
    table = table[~table["status"].isin(["ok", "excluded"])]
    text = table.reindex(columns=["participant_id", "status", "code", "message"]).fillna("")
    found = [_missing_one(*row) for row in text.itertuples(index=False)]
    return sorted(found, key=lambda m: (m.status, m.code, m.participant_id))


def _missing_one(name: str, status: str, code: str, message: str) -> Missing:
    entry = REGISTRY.get(code)
    why = without_paths(message) or (entry.what if entry else "")
    return Missing(name, status.replace("-", " "), code, why, entry.remedy if entry else "")


def _tally(table: pd.DataFrame) -> list[dict[str, Any]]:
    """For each site, and for all: scans used by group, flagged, left out."""
    flagged = table["flags"].fillna("") != "" if "flags" in table else pd.Series(False, table.index)
    rows = []
    for site in [None, *sorted(table["site"].unique())]:
        here = table["site"] == site if site is not None else pd.Series(True, table.index)
        used = here & table["used"]
        counts = {g: int((used & (table["group"] == g)).sum()) for g in flow.GROUPS}
        rows.append(
            {"site": site or "all sites", "used": int(used.sum()), "flagged": int((used & flagged).sum())}
            | {"out": int((here & ~table["used"]).sum()), "groups": counts}
        )
    return rows if len(rows) > 2 else rows[:1]


def _charts(table: pd.DataFrame, limits: QualityLimits) -> list[dict[str, Any]]:
    charts = []
    for name, measure in MEASURES.items():
        values = pd.to_numeric(table[name], errors="coerce").dropna().to_numpy(float) if name in table else np.empty(0)
        if len(values):
            limit = limits.limits().get(name)
            charts.append({"name": name, "measure": measure, "picture": histogram(values, measure, limit)})
    return charts


def data_beside(derivatives: Path) -> str:
    """simulated or planted, where a run's own cohort of that kind lies beside the derivatives; else nothing."""
    path = derivatives.parent / "cohort" / "dataset_description.json"
    name = str(durable.read_json(path).get("Name", "")).lower() if path.is_file() else ""
    return next((kind for kind in ("simulated", "planted") if kind in name), "")
