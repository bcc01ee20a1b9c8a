"""The protocol: what will be asked and how it will be judged, written before anybody answers. It names no scan."""

from __future__ import annotations

from tlesynth import __version__
from tlesynth.reader_study.power import MARGIN, words
from tlesynth.reader_study.study import CONVENTIONS, Design, Study

PROTOCOL = "protocol.md"
CHANCE = f"{0.5 - MARGIN:.2f} to {0.5 + MARGIN:.2f}"
ANALYSES: dict[Design, str] = {
    "yes-no": "Primary: the area under the ROC curve of the confidence, averaged over readers, with the interval of "
    f"Obuchowski and Rockette (random readers, random scans). Chance is claimed only if all of it lies in {CHANCE}. "
    "Beside it for each reader: hits, false alarms, d', criterion, balanced accuracy, with 95 % intervals.",
    "2afc": "Primary: the share of pairs in which the synthetic scan was named, averaged over readers, with the "
    f"interval of Obuchowski and Rockette (random readers, random pairs). Chance is claimed only if all of it lies "
    f"in {CHANCE}. "
    "Beside it the share of each reader with its exact 95 % interval, and the leaning to one side.",
    "diagnosis": "Primary: accuracy on synthetic minus accuracy on real scans, averaged over readers, with a bootstrap "
    f"interval over scans. Equivalence is claimed only if all of it lies within {MARGIN:.2f} of 0.",
}


def protocol(study: Study) -> str:
    """The protocol as Markdown."""
    made = study.made
    unit = "pairs, each of a real and a synthetic scan" if study.design == "2afc" else "scans, half of them synthetic"
    strata = ", ".join(f"{name} {count}" for name, count in made["strata"].items())
    held = "held out from the generator's training" if made["held_out"] else "NOT known to be held out from training"
    split = (
        f" (splits: {', '.join(made['from_split'])}; warm-ups also of other held-out ones)"
        if made["from_split"]
        else ""
    )
    lines = [
        f"# Protocol of reader study {study.id}",
        "",
        f"Written {study.created} by tlesynth {__version__}, before any answer.",
        "",
        f"- Question: {study.question}",
        f"- Scale: {'; '.join(f'{number} {word}' for number, word in enumerate(study.scale, start=1))}",
        *_anatomy(study),
        f"- Shown at first with {CONVENTIONS[study.convention]} ({study.convention}); each reader can turn it.",
        f"- Each of {len(study.readers)} readers judges {made['cases']} {unit}; of each origin: {strata}. Before them "
        f"{made['warm_ups']} warm-ups with feedback, not scored; {made['repeats']} of what is judged comes again.",
        f"- Real scans: {held}{split}. Scans drawn by seed {study.seed}; orders drawn for each reader from a secret.",
        f"- Copies: {study.grid}, 8 bits, one header; a brain mask found in each scan's own intensities; background 0; "
        f"0.5 % of the brain black, {100 * made['white']:.1f} % white, in every scan.",
        f"- {ANALYSES[study.design]}",
        f"- SHA-256 of the key: {study.key_sha256}",
        "",
        "What a study of this size can show:",
        "",
        *(f"- {line}" for line in words(study.design, made["cases"], made["power"])),
    ]
    return "\n".join(lines) + "\n"


def _anatomy(study: Study) -> list[str]:
    if not study.anatomy:
        return []
    words = "; ".join(f"{number} {word}" for number, word in enumerate(study.anatomy, start=1))
    return [f"- Anatomy of each scan: {words}. Secondary: mean score of synthetic minus mean score of real scans."]
