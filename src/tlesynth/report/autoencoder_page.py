"""The page on a trained autoencoder: its quality gate, reconstructions, spectrum, latents and curves, in one file.

Made from the run folder and the scans alone. It holds identifiers, groups, figures and pictures; no path, age or sex.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from tlesynth import __version__, durable
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import fail
from tlesynth.metrics.wording import number
from tlesynth.report import autoencoder_figures as figures
from tlesynth.report import charts
from tlesynth.report.page import TEMPLATES, templates
from tlesynth.report.sections import KINDS
from tlesynth.report.sources import Files

PAGE = "autoencoder.html"
STATES = {"passed": "good", "failed": "bad", "not judged": "unknown", "off": "unknown"}
"""The colour of each state."""
FIGURES = {
    "l1_brain": ("L1 inside the brain", ""),
    "l1": ("L1 of the whole volume", ""),
    "l1_hippocampus": ("L1 in the hippocampal region", ""),
    "psnr_db": ("PSNR of the whole volume", "dB"),
    "psnr_brain_db": ("PSNR inside the brain", "dB"),
    "ssim": ("SSIM", ""),
    "hippocampus_bias": ("hippocampal volume, bias", "%"),
    "hippocampus_bias_left": ("left hippocampus, bias", "%"),
    "hippocampus_bias_right": ("right hippocampus, bias", "%"),
    "hippocampus_agreement": ("hippocampal volume, 1.96 SD of the error", "%"),
    "grid_artefact_db": ("trace of the decoder's grid, the worst", "dB"),
    "posterior_noise": ("posterior noise in the latents", "%"),
    "kl_per_element": ("KL per latent element", "nats"),
    "dead_channels": ("dead latent channels", ""),
}
"""Words and unit of each figure, in the order of the page."""
COLUMNS = {
    "l1_brain": ("L1 brain", ""),
    "l1_hippocampus": ("L1 hippocampus", ""),
    "psnr_db": ("PSNR (dB)", "dB"),
    "ssim": ("SSIM", ""),
    "hippocampus_bias_left": ("bias left", "%"),
    "hippocampus_bias_right": ("bias right", "%"),
    "posterior_noise": ("posterior noise", "%"),
}
"""What the table of scans shows of gate.tsv."""
MOST_ROWS = 300


def build(run: Path, derivatives: Path, out: Path, *, data: str = "") -> Path:
    """Write the page on the autoencoder that was trained in ``run`` on ``derivatives`` to ``out``; return ``out``.

    ``data`` says what the scans are (simulated, planted or real) for the banner.

    Raises:
        TlesynthError: DATA-011 if ``run`` has no gate.json, DATA-001 if a file is damaged, RES-001 if ``out`` cannot
            be written.
    """
    files = Files(Path(run))
    if not files.has("gate.json"):
        raise fail("DATA-011", Path(run), "there is no gate.json: tlesynth train autoencoder writes it")
    gate = files.document("gate.json")
    context = {
        "gate": gate,
        "imported": _imported(files),
        "banner": KINDS.get(data, ""),
        "limits": [_limit(row, gate["figures"][row["figure"]]) for row in gate["limits"]],
        "loosened": [row for row in gate["limits"] if row["loosened"]],
        "states": STATES,
        "figures": [(words, unit, gate["figures"][name]) for name, (words, unit) in FIGURES.items()],
        "shown": _shown(files, gate, Path(derivatives)),
        "scans": _scans(files.table("gate.tsv")),
        "columns": COLUMNS,
        "most_rows": MOST_ROWS,
        "spectrum": figures.spectrum_picture(gate["spectrum"]),
        "curves": charts.training_apart(files.table("metrics.csv")) if files.has("metrics.csv") else [],
        "number": number,
        "interval": interval,
        "version": __version__,
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
    }
    durable.write_text(out, templates().get_template("autoencoder.html.j2").render(**context))
    return Path(out)


def _imported(files: Files) -> str:
    """Whose network weights from elsewhere are of; nothing for weights that were trained in this run."""
    known = files.document("settings.json") if files.has("settings.json") else {}
    return str(known.get("imported", {}).get("family", "")).upper()


def interval(figure: dict[str, Any] | None, unit: str = "") -> str:
    """The interval of a figure in words, or that there are too few scans for one."""
    if figure is None:
        return "could not be measured"
    if figure["low"] is None:
        return "no interval"
    return f"{number(figure['low'], unit)} to {number(figure['high'], unit)}"


def _limit(row: dict[str, Any], figure: dict[str, Any] | None) -> dict[str, Any]:
    unit = row["unit"]
    sign = "within \u00b1" if row["either_sign"] else "\u2265" if row["at_least"] else "\u2264"
    bound, default = (f"{sign} {number(v, unit)}" if v is not None else "off" for v in (row["limit"], row["default"]))
    return {
        "words": row["words"],
        "value": number(figure["value"] if figure else None, unit),
        "interval": interval(figure, unit),
        "n": figure["n"] if figure else 0,
        "bound": bound,
        "default": default if row["loosened"] else "",
        "state": row["state"],
        "unsure": row["unsure"],
    }


def _shown(files: Files, gate: dict[str, Any], derivatives: Path) -> list[figures.Shown]:
    """The worst scans, then the best: those whose reconstruction was kept."""
    if not gate["shown"] or not files.has("held_out/participants.tsv"):
        return []
    original, rebuilt = read_cohort(derivatives), read_cohort(files.path("held_out"))
    table = files.table("gate.tsv")
    order = table.assign(l1=pd.to_numeric(table["l1_brain"])).dropna(subset="l1").sort_values("l1", ascending=False)
    place = {name: number for number, name in enumerate(order["participant_id"], 1)}
    names = [name for name in gate["shown"] if name in rebuilt.ids and name in original.ids]
    return [figures.shown_scan(original, rebuilt, name, _rank(place[name], len(place))) for name in names]


def _rank(place: int, of: int) -> str:
    if of == 1:
        return "the only one"
    ends = {1: "the worst", of: "the best"}
    return ends.get(place, f"{place} of {of} by L1, the worst first")


def _scans(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of gate.tsv, the worst first, as the page prints them; those without figures come last."""
    table = table.reindex(columns=["participant_id", *COLUMNS])
    figures_of = {name: pd.to_numeric(table[name], errors="coerce") for name in COLUMNS}
    order = figures_of["l1_brain"].sort_values(ascending=False).index
    return [
        {"participant_id": table.loc[i, "participant_id"]}
        | {name: _cell(figures_of[name][i], unit) for name, (_, unit) in COLUMNS.items()}
        for i in order
    ]


def _cell(value: float, unit: str) -> str:
    return "n/a" if pd.isna(value) else number(float(value), unit).removesuffix(" dB")
