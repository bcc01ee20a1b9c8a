"""The section ``verdict`` of results.json: every light with its figures, its limits and a sentence."""

from __future__ import annotations

from collections import Counter

from tlesynth.evaluation.verdict.evidence import Asked, figures_of
from tlesynth.evaluation.verdict.figure import judged
from tlesynth.evaluation.verdict.formulas import FORMULAS
from tlesynth.evaluation.verdict.rule import AMBER, COLOURS, GREEN, GREY, RED, RULE, Limits, good_estimate, side_of
from tlesynth.evaluation.verdict.rule import together as one_of
from tlesynth.evaluation.verdict.study import LEDGER, rival_in
from tlesynth.evaluation.verdict.topics import QUESTIONS, TOPICS, Question, Topic, topics_of
from tlesynth.metrics.statistics import Json, not_computed
from tlesynth.recipe import Evaluation, Privacy


def verdict(results: Json, evaluation: Evaluation, privacy: Privacy, study: Json | None = None) -> Json:
    """The lights of ``results`` by the recipe's limits; nothing is measured here.

    ``study`` is the ledger of the augmentation study, or why it does not count; left out: none was made.
    """
    study = study or not_computed("no augmentation study was made", "tlesynth augment-study")
    asked = Asked(evaluation.verdict, evaluation.equivalence_margin, privacy.most_copies, study)
    figures, topics, seen = figures_of(asked), topics_of(rival_in(study)), results | {LEDGER: study}
    lights = {
        name: _light(topic, [judged(f, seen, asked.verdict.least_scans) for f in figures[name]])
        | {"formula": FORMULAS[name]}
        for name, topic in topics.items()
    }
    counts = Counter(light["light"] for light in lights.values())
    return {
        "sentence": _summed_up(counts, len(lights)),
        "counts": {colour: counts[colour] for colour in COLOURS},
        "questions": {key: _question(key, question, lights) for key, question in QUESTIONS.items()},
        "lights": lights,
        "rule": RULE,
        "limits": evaluation.verdict.model_dump(mode="json")
        | {"equivalence_margin": asked.equivalence_margin, "most_copies": asked.most_copies},
    }


def _question(key: str, question: Question, lights: dict[str, Json]) -> Json:
    names = [name for name, topic in TOPICS.items() if topic.question == key]
    beside = {name for name in names if TOPICS[name].beside}
    deciding = (lights[name]["light"] for name in names if name not in beside)
    light = one_of(deciding, (lights[name]["light"] for name in beside))
    return {"question": question.words, "light": light, "answer": question.answer(light), "lights": names}


def _light(topic: Topic, figures: list[Json]) -> Json:
    deciding = [f for f in figures if "beside" not in f]
    light = one_of((f["light"] for f in deciding), (f["light"] for f in figures if "beside" in f))
    place = _shown(light, figures)
    sentence = _sentence(topic, light, figures[place], deciding)
    return {"light": light, "title": topic.title, "sentence": sentence, "shown": place, "figures": figures}


def _shown(light: str, figures: list[Json]) -> int:
    """The first figure of the light's colour; of open ones, the first whose best guess is not good, where there is
    one."""
    own = [i for i, f in enumerate(figures) if f["light"] == light]
    worse = [i for i in own if light == AMBER and not good_estimate(figures[i], _limits(figures[i]))]
    return next(iter([*worse, *own]), 0)


def _sentence(topic: Topic, light: str, shown: Json, deciding: list[Json]) -> str:
    """What a light says to a reader without statistics; ``shown`` is the figure beside it."""
    if light == GREEN:
        return topic.green
    if light == RED:
        return (topic.low if "low" in shown and _side(shown) == "low" else "") or topic.high or topic.low
    if light == GREY:
        return f"Not known: {shown['not_computed']}."
    return f"{topic.amber} {_why_open(deciding)}"


def _why_open(deciding: list[Json]) -> str:
    missing = [f for f in deciding if f["light"] == GREY]
    undecided = [f for f in deciding if f["light"] == AMBER]
    if not undecided:
        return f"What could be judged is good, but a part is missing: {missing[0]['not_computed']}."
    if any(side_of(f, Limits(_limits(f).good)) for f in undecided):
        return "It is beyond what counts as good, but not far."
    if all(good_estimate(f, _limits(f)) for f in undecided):
        return "The best guess is good, but so few scans leave it open."
    return "The best guess is not good, but so few scans leave it open."


def _limits(figure: Json) -> Limits:
    wider = figure.get("tolerated")
    return Limits(tuple(figure["limits"]), tuple(wider) if wider else None)


def _side(figure: Json) -> str:
    return side_of(figure, _limits(figure))


def _summed_up(counts: Counter[str], n: int) -> str:
    parts = {GREEN: "shown to be good", RED: "shown to be bad", AMBER: "open", GREY: "not computed"}
    told = [f"{counts[colour]} {words}" for colour, words in parts.items() if counts[colour]]
    return f"Of {n} lights: {', '.join(told)}."
