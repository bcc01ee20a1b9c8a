"""What stands in the sections of the page: rows of sources for the tables, found by walking the run's files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tlesynth.report.reader_study import limitation
from tlesynth.report.sources import RESULTS, Absent, Files, cell, pointer

STAGES = {
    "derivatives/participants.tsv": ("Preprocessed scans", "tlesynth preprocess"),
    "splits.tsv": ("Splits", "tlesynth split"),
    "autoencoder/metrics.csv": ("Autoencoder", "tlesynth train autoencoder"),
    "reconstructions/participants.tsv": ("Reconstructions", "tlesynth encode"),
    "diffusion/metrics.csv": ("Latent diffusion model", "tlesynth train diffusion"),
    "synthetic/participants.tsv": ("Synthetic cohort", "tlesynth sample"),
    "film/film.json": ("Film of the reverse diffusion", "tlesynth sample"),
    "classifier": ("Classifiers", "tlesynth train classifier"),
    RESULTS: ("Evaluation", "tlesynth evaluate"),
    "recipe.yaml": ("Recipe of the run", "tlesynth run"),
}
"""The file that shows a stage was done, what it gives the page, and the command that writes it."""
KINDS = {
    "simulated": "No real patient or control is in these data: heads and disease were simulated from a template. "
    "Nothing here says how the method does on patients.",
    "planted": "The heads are real, the disease is not: it was planted into scans of healthy people. "
    "Nothing here says how the method does on patients.",
    "real": "The data are one collection of patients; another hospital's scans may differ in ways not seen here.",
}
"""What a reader must know of each kind of data."""
GROUP_WORDS = {
    "hc": "controls",
    "tle": "TLE",
    "tle-left": "TLE left",
    "tle-right": "TLE right",
    "hs-yes": "TLE with sclerosis",
    "hs-no": "TLE without sclerosis",
}
COVARIATE_WORDS = {"age": "age", "sex": "sex", "head_size": "head size"}
MOST_SETTINGS = 400
NOT_SETTINGS = ("name", "about")


@dataclass(frozen=True)
class Setting:
    """A named value and where it stands; ``reference`` is the source of what it is compared with."""

    name: str
    source: str
    reference: str = ""


@dataclass(frozen=True)
class Gap:
    """Something that was not computed, why, and the command that would."""

    what: str
    why: str
    command: str


def deviations(files: Files) -> list[Setting]:
    """Every value of the run's recipe that is not the paper recipe's."""
    try:
        mine = dict(leaves(files.document("recipe.yaml")))
    except Absent:
        return []
    theirs = dict(leaves(files.resolve("recipe:paper#")))
    return [
        Setting(".".join(keys), pointer("recipe.yaml", *keys), pointer("recipe:paper", *keys))
        for keys, value in mine.items()
        if keys[0] not in NOT_SETTINGS and value != theirs.get(keys)
    ]


def settings(files: Files, name: str, *above: str) -> list[Setting]:
    """Every value of a JSON or YAML file (below the keys ``above``), in the file's order."""
    try:
        found = files.resolve(pointer(name, *above))
    except Absent:
        return []
    listed = [Setting(".".join(keys), pointer(name, *above, *keys)) for keys, _ in leaves(found)]
    return listed[:MOST_SETTINGS]


def leaves(value: Any, above: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """The scalars (and lists of scalars) below ``value``, each with its keys."""
    if isinstance(value, dict) and value:
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*above, str(key)))]
    if isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        return [leaf for place, inner in enumerate(value) for leaf in leaves(inner, (*above, str(place)))]
    return [(above, value)]


def arms(files: Files) -> list[str]:
    """The training sets that the evaluation holds."""
    found = files.get(pointer(RESULTS, "classification", "arms"), {})
    return list(found) if isinstance(found, dict) and "not_computed" not in found else []


def computed(files: Files, *keys: str) -> list[str]:
    """The parts below a place of results.json that hold figures, not reasons."""
    found = files.get(pointer(RESULTS, *keys), {})
    if not isinstance(found, dict) or "not_computed" in found:
        return []
    return [key for key, part in found.items() if isinstance(part, dict) and "not_computed" not in part]


def measure_words(measure: str) -> str:
    """A measured column in words: ``hippocampus_asymmetry_abs`` is ``hippocampus, |asymmetry|``."""
    structure, _, part = measure.removesuffix("_abs").rpartition("_")
    return f"{structure.replace('_', ' ')}, {'|' + part + '|' if measure.endswith('_abs') else part}"


def gaps(files: Files) -> list[Gap]:
    """Stages that have not run, and statistics that results.json refuses; those with one reason stand together."""
    found = [
        Gap(what, f"{name} is not there", command) for name, (what, command) in STAGES.items() if not files.has(name)
    ]
    alike: dict[tuple[str, str], list[str]] = {}
    for gap in _gaps_of(files.get(RESULTS + "#", {}), ()):
        alike.setdefault((gap.why, gap.command), []).append(gap.what)
    return found + [Gap(", ".join(whats), why, command) for (why, command), whats in alike.items()]


def missing(files: Files, name: str) -> Gap | None:
    """What the page says in place of a section whose file is not there."""
    what, command = STAGES[name]
    return None if files.has(name) else Gap(what, f"{name} is not in this run", command)


def limitations(files: Files) -> list[str]:
    """What a reader must keep in mind, by what this run was."""
    data = files.get(pointer(RESULTS, "about", "data"), "")
    found = [KINDS[data]] if data in KINDS else []
    test = files.get(cell("splits.tsv", "count()", split="test"), 0) if files.has("splits.tsv") else 0
    if 0 < test < 100:
        found.append(
            "The test set is small, so the intervals are wide and most differences between rows are within them."
        )
    if files.get("splits_sites.json#/warning"):
        found.append(
            "Site and group are confounded: whatever tells patients from controls here may be the scanner's doing."
        )
    if files.get("recipe.yaml#/preprocess/grid") == "mni-3mm":
        found.append(
            "Scans were reduced to 3 mm: the hippocampus is a few voxels across, and image scores are not "
            "comparable with those at 1.5 mm."
        )
    return found + [
        "The paper's numbers were measured on other scans, at another scale of intensity. They stand "
        "beside ours for orientation and must not be read as a race.",
        "One training run was made for each model, from one seed; how much another would differ is unknown.",
        "Hippocampal measures come from the image by a template region, not from manual tracing.",
        "The privacy audit sees copies of whole brains, not of parts; it is no proof that nothing of a patient leaks.",
        limitation(files),
        "Patients are compared with healthy controls only: the classifier says nothing of other diseases.",
    ]


def _gaps_of(value: Any, above: tuple[str, ...]) -> list[Gap]:
    if not isinstance(value, dict):
        return []
    if "not_computed" in value:
        return [Gap(" › ".join(above), str(value["not_computed"]), str(value.get("command", "")))]
    return [gap for key, inner in value.items() for gap in _gaps_of(inner, (*above, str(key)))]
