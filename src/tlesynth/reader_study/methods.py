"""A methods and a results paragraph for a paper, worded by rules from score.json alone."""

from __future__ import annotations

from tlesynth.metrics.statistics import Json
from tlesynth.reader_study.study import CONVENTIONS, Design

TASKS: dict[Design, str] = {
    "yes-no": "said of each scan, on a six-point scale, whether it was of a person or made by a computer",
    "2afc": "saw a real and a synthetic scan of the same group side by side and said, on a six-point scale, which was "
    "synthetic",
    "diagnosis": "said of each scan whether it was of a healthy control or of temporal lobe epilepsy of the left or "
    "right side, and how sure they were",
}
VERDICTS = {
    "chance": "The whole interval lies within {margin:.2f} of 0.5: {who} cannot tell them apart beyond that.",
    "above chance": "The interval lies above 0.5: {who} can tell synthetic from real scans.",
    "below chance": "The interval lies below 0.5: a difference is seen, and taken for the opposite.",
    "undecided": "The interval is too wide: neither a difference nor its absence is shown.",
    "equivalent": "The whole interval lies within {margin:.2f} of 0: synthetic scans are diagnosed like real ones.",
    "different": "The interval leaves out 0: synthetic scans are not diagnosed as real ones are.",
}
NOT_ENOUGH = (
    "The share of synthetic scans that are found is not reported alone: without the false alarms on real scans it "
    "mixes what a reader can see with how readily the reader says synthetic. The 7 of 24 of the paper that the method "
    "comes from would be d' {first:.2f} with {few} false alarms and {last:.2f} with {many}."
)


def methods(result: Json) -> str:
    """The paragraphs as Markdown; a rehearsal says so first."""
    about = result["about"]
    banner = [f"**{about['banner']}**", ""] if about["banner"] else []
    return "\n".join([*banner, "## Methods", "", _methods(about), "", "## Results", "", _results(result), ""])


def _methods(about: Json) -> str:
    made, design = about["made"], about["design"]
    unit = "pairs" if design == "2afc" else "scans (half of them synthetic)"
    held = "held out from the generator's training" if made["held_out"] else "not known to be held out from training"
    strata = ", ".join(f"{count} {name}" for name, count in made["strata"].items())
    order = "The order was drawn" if about["asked"] == 1 else "Orders were drawn for each reader"
    sentences = [
        f"{_readers(about)} {TASKS[design]}.",
        f"{_each(about)} {made['cases']} {unit}; of each origin {strata}, drawn by a seed within groups and sides; "
        f"real scans were {held}.",
        f"{order}; {made['warm_ups']} warm-ups with feedback came first and were not scored, "
        f"and {made['repeats']} cases came again.",
        "All scans were shown as 8-bit copies with one header, one window and a brain mask found in the same way in "
        "real and synthetic scans; the truth was kept from the server in a file whose SHA-256 was published before the "
        f"first answer ({about['key_sha256'][:12]}...). They lay with {CONVENTIONS[about['convention']]} "
        f"({about['convention']} convention) unless a reader turned them.",
        *_anatomy_asked(about),
        _analysis(about),
    ]
    if about["recognised"]:
        sentences.append(f"In {about['recognised']} answers a reader knew the scan from elsewhere.")
    if about["missing"]:
        left = ", ".join(f"{r} had {n} to go" for r, n in about["missing"].items())
        sentences.append(f"The study was scored before all was answered ({left}, practice included).")
    return " ".join(sentences)


def _analysis(about: Json) -> str:
    percent, margin = 100 * about["confidence"], about["margin"]
    if about["design"] == "diagnosis":
        return (
            f"Accuracy was averaged over readers for each scan; the {percent:.0f} % interval of the difference between "
            f"synthetic and real scans is a bootstrap over scans; equivalence is claimed only if it lies within "
            f"{margin:.2f} of 0."
        )
    figure = "The area under the ROC curve" if about["design"] == "yes-no" else "The share of right choices"
    if about["readers"] == 1:
        return (
            f"{figure} has a {percent:.0f} % interval over scans, for this reader alone; chance is claimed only if it "
            f"lies within {margin:.2f} of 0.5."
        )
    return (
        f"{figure} was averaged over readers with the {percent:.0f} % interval of Obuchowski and Rockette (degrees of "
        f"freedom of Hillis) for other readers and scans; chance is claimed only if it lies within {margin:.2f} of 0.5."
    )


def _results(result: Json) -> str:
    about, every = result["about"], result["all"]
    alone = about["readers"] == 1
    name, words = {
        "yes-no": ("auc", "The reader's AUC was" if alone else "The readers' mean AUC was"),
        "2afc": ("share", f"The reader{'' if alone else 's'} named the synthetic scan in a share of"),
        "diagnosis": ("difference", "Accuracy on synthetic minus accuracy on real scans was"),
    }[about["design"]]
    sentences = [f"{words} {_interval(every[name])}. {_verdict(about, every)}"]
    if about["design"] == "yes-no":
        hits, alarms = _interval(every["hit_rate"]), _interval(every["false_alarm_rate"])
        sentences.append(f"{hits} of the synthetic and {alarms} of the real scans were called synthetic.")
    if about["design"] == "diagnosis":
        made, real = _interval(every["synthetic"]), _interval(every["real"])
        sentences.append(f"{made} of the synthetic and {real} of the real scans were diagnosed rightly.")
    if about["anatomy"]:
        found = result["anatomy"]
        sentences.append(
            f"The anatomy of real scans scored {_interval(found['real'])}, that of synthetic ones "
            f"{_interval(found['synthetic'])}; difference {_interval(found['difference'])}."
        )
    if not alone:
        sentences.append(f"Agreement between readers: Gwet's AC1 {_interval(result['agreement'].get('gwet_ac1', {}))}.")
    machine = result["machine_reader"].get("auc", result["machine_reader"])
    sentences.append(f"A classifier that saw the same copies reached an AUC of {_interval(machine)}.")
    if about["design"] != "diagnosis":
        rows = result["papers_statistic"]["would_be"]
        first, last = rows[0], rows[-1]
        sentences.append(
            NOT_ENOUGH.format(
                first=first["d_prime"], few=first["false_alarms"], last=last["d_prime"], many=last["false_alarms"]
            )
        )
    return " ".join(sentences)


def _readers(about: Json) -> str:
    people = "simulated reader" if about["rehearsal"] else "reader"
    count = f"{about['readers']} {people}{'' if about['readers'] == 1 else 's'}"
    return count if about["asked"] == about["readers"] else f"{count} (of {about['asked']} asked)"


def _each(about: Json) -> str:
    """Who judged, or was to judge where not all was answered."""
    who = "The reader" if about["asked"] == 1 else "Each"
    return f"{who} was to judge" if about["missing"] else f"{who} judged"


def _anatomy_asked(about: Json) -> list[str]:
    if not about["anatomy"]:
        return []
    low, high = about["anatomy"][0], about["anatomy"][-1]
    return [f"The anatomy of each scan was scored from 1 ({low}) to {len(about['anatomy'])} ({high})."]


def _verdict(about: Json, every: Json) -> str:
    who = "this reader" if about["readers"] == 1 else "readers"
    return VERDICTS[every["verdict"]].format(margin=about["margin"], who=who)


def _interval(found: Json) -> str:
    if "value" not in found:
        return f"(not computed: {found.get('not_computed', 'too few answers')})"
    return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"
