"""``study``: a blinded reader study, from two cohorts to a result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlesynth.cli.options import AsJson, Out, result

app = typer.Typer(
    help="A blinded reader study: can people tell synthetic from real scans?",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
Folder = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder that study create wrote.")]
KeyFile = Annotated[Path | None, typer.Option("--key", help="The truth; STUDY.key.json beside the study if left out.")]


@app.command("create")
def create(
    real: Annotated[Path, typer.Option("--real", help="Cohort of real scans that preprocess wrote.")],
    synthetic: Annotated[Path, typer.Option("--synthetic", help="Cohort of synthetic scans on the same grid.")],
    out: Out,
    design: Annotated[
        str, typer.Option("--design", help="yes-no (one scan), 2afc (which of two) or diagnosis (hc, left, right).")
    ] = "yes-no",
    n: Annotated[int, typer.Option("--n", help="Questions to each reader: scans, half synthetic; 2afc: pairs.")] = 48,
    readers: Annotated[int, typer.Option("--readers", help="How many people will read.")] = 3,
    warm_ups: Annotated[int, typer.Option("--warm-up", help="Questions with feedback first, not scored.")] = 4,
    repeats: Annotated[
        int | None, typer.Option("--repeats", help="Cases shown to a reader again; up to 6 if left out.")
    ] = None,
    splits: Annotated[
        Path | None, typer.Option("--splits", help="Table that split wrote: gen_train is never shown.")
    ] = None,
    from_split: Annotated[
        list[str] | None,
        typer.Option(
            "--from-split",
            help="Cases show real scans of this split alone (warm-ups: also of other held-out ones); may be repeated.",
        ),
    ] = None,
    convention: Annotated[
        str,
        typer.Option(
            "--convention", help="neurological (the patient's left on the left) or radiological (on the right)."
        ),
    ] = "neurological",
    anatomy: Annotated[bool, typer.Option("--anatomy", help="Also ask for a score of each scan's anatomy.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Draws the scans.")] = 0,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Draw scans, write copies that only their content tells apart, and each reader's list; say what it can show.

    Example: tlesynth study create --real my_run/derivatives --synthetic my_run/synthetic --splits my_run/splits.tsv
    --design 2afc --n 150 --out my_run/reading
    """
    from tlesynth.reader_study.create import Plan, Sources, create, usual_repeats
    from tlesynth.reader_study.power import words
    from tlesynth.reader_study.study import CONVENTIONS

    again = usual_repeats(n) if repeats is None else repeats
    plan = Plan(design, n, readers, warm_ups, again, seed, convention, anatomy)  # ty: ignore[invalid-argument-type]
    made = create(Sources(real, synthetic, splits, tuple(from_split or ())), plan, out, key)
    if not as_json:
        for line in words(made.study.design, n, made.study.made["power"]):
            typer.echo(f"note: {line}")
        typer.echo(f"note: scans lie with {CONVENTIONS[made.study.convention]} ({convention}); --convention turns them")
    result({"study": str(made.folder), "key": str(made.key), "items": len(made.study.items)}, as_json)


@app.command("audit")
def audit(study: Folder, key: KeyFile = None, as_json: AsJson = False) -> None:
    """Check that nothing but the image tells real from synthetic (else exit status 9); run the machine reader."""
    from tlesynth.reader_study.audit import AUDIT, audit
    from tlesynth.reader_study.key import key_beside, read_key
    from tlesynth.reader_study.study import read_study

    found = audit(study, read_key(key or key_beside(study), read_study(study)))
    area = found["machine_reader"].get("auc", {})
    machine = f"AUC {area['value']:.2f} [{area['low']:.2f}, {area['high']:.2f}]" if "value" in area else "not computed"
    cues = [cue["name"] for cue in found["cues"] if cue["tells"]]
    made = {"verdict": found["verdict"], "machine reader": machine, "cues in the image": ", ".join(cues) or "none"}
    result(made | {"audit": str(study / AUDIT)}, as_json)


@app.command("rehearse")
def rehearse(
    study: Folder,
    key: KeyFile = None,
    d_prime: Annotated[
        float, typer.Option("--d-prime", help="How well the simulated readers see: 0 not at all, 3 nearly all.")
    ] = 0.5,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Copy to answer in; STUDY-rehearsal if left out.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Draws the answers.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Let simulated readers answer in a copy of the study, to try all that follows before people are asked."""
    from tlesynth.reader_study.key import key_beside, read_key
    from tlesynth.reader_study.rehearsal import rehearse
    from tlesynth.reader_study.study import REHEARSED, read_study

    key = key or key_beside(study)
    copy = out or study.with_name(f"{study.name}-rehearsal")
    rehearse(study, read_key(key, read_study(study)), copy, d_prime, seed)
    result({"study": str(copy), "key": str(key), "note": REHEARSED}, as_json)


@app.command("score")
def score(
    study: Folder,
    key: KeyFile = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the result; STUDY if left out. report reads RUN/study."),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Score though some readers have not finished.")] = False,
    as_json: AsJson = False,
) -> None:
    """Unblind and score: one JSON, one table, a methods paragraph and figures, with intervals for everything."""
    from tlesynth.reader_study.answers import read_answers
    from tlesynth.reader_study.key import key_beside
    from tlesynth.reader_study.scoring import METHODS, SCORE, require_apart, score, write
    from tlesynth.reader_study.study import read_study
    from tlesynth.report.reader_study_figures import save_figures

    folder, asked = out or study, read_study(study)
    require_apart(study, folder, partial=partial, rehearsal=asked.rehearsal)
    scored = score(study, key or key_beside(study), read_answers(study, asked.id), partial=partial)
    write(scored, folder)
    figures = save_figures(scored.result, folder)
    about = scored.result["about"]
    unfinished = ", ".join(f"{reader} had {count} to go" for reader, count in about["missing"].items())
    notes = [about["banner"], f"partial: {unfinished}" if unfinished else ""]
    made = {"note": "; ".join(note for note in notes if note)} if any(notes) else {}
    made |= {"verdict": scored.result["all"]["verdict"], "score": str(folder / SCORE), "methods": str(folder / METHODS)}
    result(made | {"figures": ", ".join(str(path) for path in figures)}, as_json)
