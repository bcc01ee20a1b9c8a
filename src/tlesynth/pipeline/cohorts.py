"""Making a cohort and the page that shows it: what a verb and a stage of a run both do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tlesynth import durable
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Recipe

if TYPE_CHECKING:
    from tlesynth.data.preprocess.ledger import Counts

QUALITY_PAGE = "qc.html"


def simulate(recipe: Recipe, out: Path, *, seed: int, heads: Path | None = None, most: int | None = None) -> Path:
    """Simulate a cohort, or plant one into ``heads``, and return the page that shows it.

    Raises:
        TlesynthError: as ``simulate_cohort`` and ``plant_into`` do.
    """
    from tlesynth.data.simulate import plant_into, simulate_cohort
    from tlesynth.report import simulation_page

    jobs = recipe.preprocess.jobs
    if heads is None:
        simulate_cohort(recipe.simulate, out, seed=seed, jobs=jobs)
    else:
        plant_into(heads, recipe.simulate, out, seed=seed, jobs=jobs, most=most, labels=recipe.labels)
    return simulation_page.build(out, out / "derivatives" / "truth" / "simulation.html")


def preprocess(bids: Path, out: Path, recipe: Recipe, participants: tuple[str, ...] = ()) -> Counts:
    """Preprocess a cohort (or only ``participants``) and write the page of its quality beside the tables.

    A shard leaves the page to the one that ends last.

    Raises:
        TlesynthError: as ``data.preprocess.run.preprocess`` does.
    """
    from tlesynth.data.preprocess.run import preprocess as run
    from tlesynth.report import cohort_page

    def page() -> None:
        if (out / "qc.tsv").is_file():
            cohort_page.build(out, out / QUALITY_PAGE, limits=recipe.preprocess.qc, data=kind_of(bids))

    try:
        counts = run(
            bids,
            out,
            recipe.preprocess,
            recipe.labels,
            seed=recipe.seed,
            participants=participants,
            carried=carried(recipe),
        )
    except TlesynthError as error:
        if error.code == "DATA-005":  # no scan is left: now the page is wanted most
            page()
        raise
    page()
    return counts


def carried(recipe: Recipe) -> tuple[str, ...]:
    """The conditions that may be columns of the raw tables: preprocessing carries these on, and no others."""
    from tlesynth.data.cohort import COLUMNS

    return tuple(sorted(recipe.diffusion.conditions.keys() - set(COLUMNS)))


def kind_of(cohort: Path) -> str:
    """``simulated``, ``planted`` (simulated disease in real heads) or ``real``, by what lies in the raw cohort.

    A copy without its truth still says in its description which of them it is.
    """
    path = cohort / "derivatives" / "truth" / "simulation.json"
    if path.is_file():
        return "planted" if "heads" in durable.read_json(path) else "simulated"
    from tlesynth.data.sources.bids import read_description

    names = {"tlesynth simulated cohort": "simulated", "tlesynth planted cohort": "planted"}
    return names.get(str(read_description(cohort).get("Name")), "real")
