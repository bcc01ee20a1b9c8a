"""The reader study of a run on a simulated cohort: made, audited, answered by simulated readers and scored.

It shows the whole way and the report's section. What readers see is put in (``rehearsal.d_prime``), so the result says
nothing of the scans, and everything made of it says so.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tlesynth import durable
from tlesynth.errors import TlesynthError
from tlesynth.metrics.statistics import not_computed
from tlesynth.progress import say
from tlesynth.recipe import Recipe

STUDY = "reading"
IMPOSSIBLE = {"STUDY-002", "STUDY-007"}
"""Too few scans, or copies that tell without being looked at: no study, and no reason to end a run without report."""
WARM_UPS = 4


def rehearse_study(run: Path, out: Path, recipe: Recipe) -> None:
    """Rehearse a reader study of the test scans of ``run`` against its synthetic ones; ``out`` holds the result.

    ``out/score.json`` is the result, or says why there is none where the scans allow no study.
    """
    from tlesynth.reader_study.scoring import SCORE

    with durable.publishing(out) as folder:
        try:
            _rehearse(Path(run), folder, recipe)
        except TlesynthError as error:
            if error.code not in IMPOSSIBLE:
                raise
            say(f"no reader study could be rehearsed: {error}")
            durable.write_json(folder / SCORE, not_computed(str(error), "tlesynth study create"))


def _rehearse(run: Path, folder: Path, recipe: Recipe) -> None:
    from tlesynth.reader_study.answers import read_answers
    from tlesynth.reader_study.audit import audit
    from tlesynth.reader_study.create import Sources, create, possible
    from tlesynth.reader_study.key import read_key
    from tlesynth.reader_study.rehearsal import rehearse
    from tlesynth.reader_study.scoring import score, write
    from tlesynth.report.reader_study_figures import save_figures

    wanted, study, copy = recipe.rehearsal, folder / STUDY, folder / f"{STUDY}-rehearsal"
    sources = Sources(run / "derivatives", run / "synthetic", run / "splits.tsv", ("test",))
    plan = possible(sources, wanted.design, wanted.n, wanted.readers, WARM_UPS, recipe.seed)
    made = create(sources, plan, study)
    key = read_key(made.key, made.study)
    audit(study, key)
    answered = rehearse(study, key, copy, wanted.d_prime, recipe.seed)
    scored = score(copy, made.key, read_answers(copy, answered.id))
    write(scored, folder)
    save_figures(scored.result, folder)
    shutil.rmtree(study)  # the copy that was answered holds the same items
