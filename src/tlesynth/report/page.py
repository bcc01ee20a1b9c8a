"""The page: one self-contained HTML file, made from the files of a run and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from tlesynth import __version__, durable
from tlesynth.errors import fail
from tlesynth.evaluation import paper
from tlesynth.report import charts, figures, flow, ledger_section, lights, reader_study, reader_study_figures, sections
from tlesynth.report.quoting import Quoter
from tlesynth.report.sources import RESULTS, Files, cell, pointer

TEMPLATES = Path(__file__).parent / "templates"
LARGEST = 10_000_000
"""Bytes; larger pages fail in browsers and mail."""
PAPER = {"table1": paper.TABLE_1, "table2": paper.TABLE_2, "table3": paper.TABLE_3, "table4": paper.TABLE_4} | {
    "table4_intervals": paper.table_4_intervals()
}


def build(run: Path, out: Path) -> Path:
    """Write the report of the run folder ``run`` to ``out`` (HTML) and return ``out``.

    A part of the run that is missing becomes a sentence that names the stage which writes it.

    Raises:
        TlesynthError: DATA-011 if ``run`` is no folder, DATA-001 if a file in it is damaged, RES-001 if ``out`` cannot
            be written.
    """
    run = Path(run)
    if not run.is_dir():
        raise fail("DATA-011", run, "there is no such run")
    page = render(run)
    durable.write_text(out, page)
    return Path(out)


def render(run: Path) -> str:
    """The report of a run as HTML."""
    files = Files(run, {"paper": PAPER})
    quoter = Quoter(files)
    body = templates().get_template("report.html.j2").render(**_context(files, quoter))
    # The sources are listed after everything else has been printed, so that the list is complete.
    sources = templates().get_template("sources.html.j2").render(listed=_listed(files, quoter), schemes=SCHEMES)
    return body.replace(SOURCES_GO_HERE, sources, 1)


SOURCES_GO_HERE = "<!-- sources -->"
SCHEMES = {
    "paper": "Numbers printed in the paper that the method comes from (tlesynth.evaluation.paper)",
    "recipe": "The recipe paper that ships with tlesynth",
}


def _context(files: Files, quoter: Quoter) -> dict[str, Any]:
    way = flow.read(files)
    return {
        "q": quoter,
        "files": files,
        "pointer": pointer,
        "cell": cell,
        "R": lambda *keys: pointer(RESULTS, *keys),
        "S": lambda *keys: pointer(reader_study_figures.score_of(files), *keys),
        "study": reader_study.section(files, reader_study_figures.pictures(files)),
        "figures": figures.collect(files),
        "questions": lights.questions(files),
        "flow": way,
        "flow_drawn": flow.drawn(way, quoter) if way.kept else "",
        "deviations": sections.deviations(files),
        "settings": lambda *where: sections.settings(files, *where),
        "ledger": ledger_section.study(files),
        "arms": sections.arms(files),
        "arm_words": charts.ARM_WORDS,
        "group_words": sections.GROUP_WORDS,
        "measure_words": sections.measure_words,
        "computed": lambda *keys: sections.computed(files, *keys),
        "gaps": sections.gaps(files),
        "missing": lambda name: sections.missing(files, name),
        "limitations": sections.limitations(files),
        "runs": _runs(files),
        "stages": _stages(files),
        "kinds": sections.KINDS,
        "version": __version__,
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        "sources_go_here": Markup(SOURCES_GO_HERE),
    }


def _runs(files: Files) -> list[list[str]]:
    """The folders of training runs, relative to the run; those made in the same environment stand together."""
    names = ["autoencoder", "diffusion"] + [f"classifier/{f.name}" for f in sorted(files.path("classifier").glob("*"))]
    alike: dict[str, list[str]] = {}
    for name in names:
        if files.has(f"{name}/environment.json"):
            alike.setdefault(durable.hash_of(files.document(f"{name}/environment.json")), []).append(name)
    return list(alike.values())


def _stages(files: Files) -> list[str]:
    """The stages that the pipeline finished, in the order they did."""
    done = [f for f in files.path("stages").glob("*.json") if files.has(f"stages/{f.name}")]
    done = [f for f in done if "seconds" in files.document(f"stages/{f.name}")]
    return [f.stem for f in sorted(done, key=lambda f: (f.stat().st_mtime, f.name))]


def _listed(files: Files, quoter: Quoter) -> list[dict[str, Any]]:
    listed = []
    for name, quotes in quoter.by_file().items():
        path = files.path(name)
        listed.append(
            {
                "name": name,
                "about": SCHEMES.get(name, ""),
                "sha256": durable.sha256(path) if name not in SCHEMES and path.is_file() else "",
                "quotes": quotes,
            }
        )
    return listed


def templates() -> jinja2.Environment:
    """The environment of all pages: everything is escaped, and an unknown name is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
