"""What the lights are about: for each the question it belongs to, its title, and what its colours say in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tlesynth.evaluation.verdict.rule import AMBER, GREEN, GREY, RED


@dataclass(frozen=True)
class Question:
    """What a reader wants to know, and the answer that each colour of its lights together gives."""

    words: str
    green: str
    amber: str
    red: str
    grey: str = "Not known"

    def answer(self, colour: str) -> str:
        """The answer in a few words."""
        return {GREEN: self.green, AMBER: self.amber, RED: self.red, GREY: self.grey}[colour]


QUESTIONS = {
    "realistic": Question("Are the synthetic scans realistic?", "Yes", "Not shown", "No"),
    "disease": Question("Do synthetic patients carry the disease?", "Yes", "Not shown", "Not as real ones do"),
    "diverse": Question("Do they differ from each other as people do?", "Yes", "Not shown", "No"),
    "private": Question("Do they keep real patients private?", "No leak was found", "Not shown", "No"),
    "useful": Question("Do they help a classifier?", "Yes", "No gain is shown", "They harm it"),
}


@dataclass(frozen=True)
class Topic:
    """A light: ``low`` and ``high`` are its words where it is red because a figure lies below or above its limits."""

    question: str
    title: str
    green: str
    amber: str
    low: str
    high: str
    beside: bool = False
    """Whether its light can only turn the answer to its question red."""


TOPICS: dict[str, Topic] = {
    "reconstruction": Topic(
        "realistic",
        "Anatomy after the autoencoder",
        "Scans that pass through the autoencoder keep the size of their hippocampi.",
        "It is not shown that scans keep the size of their hippocampi in the autoencoder.",
        "The autoencoder makes hippocampi smaller than they are, so every synthetic scan inherits the error.",
        "The autoencoder makes hippocampi larger than they are, so every synthetic scan inherits the error.",
    ),
    "fidelity": Topic(
        "realistic",
        "Likeness to real scans",
        "By image statistics, synthetic scans lie about as near to real ones as other real scans do.",
        "It is not shown that synthetic scans lie as near to real ones as other real scans do.",
        "",
        "Image statistics tell synthetic from real scans easily: they are no stand-in for real ones.",
    ),
    "coverage": Topic(
        "realistic",
        "Coverage of real heads",
        "Real heads have synthetic ones near them, nearly as often as they have real ones: no kind is missing.",
        "It is not shown that every kind of real head occurs among the synthetic ones.",
        "Most real heads have no synthetic one near them: whole kinds of people are missing.",
        "",
    ),
    "diversity": Topic(
        "diverse",
        "Difference from each other",
        "Synthetic scans differ from each other about as much as real ones do.",
        "It is not shown that synthetic scans differ from each other as real ones do.",
        "Synthetic scans differ from each other more than real ones do, which may be noise rather than anatomy.",
        "Synthetic scans resemble each other more than real ones do: the generator repeats itself.",
    ),
    "spread": Topic(
        "diverse",
        "Spread of hippocampal sizes",
        "Hippocampi vary in size among synthetic people as they do among real ones.",
        "It is not shown that hippocampi vary in size as they do among real people.",
        "Hippocampi vary less in size than among real people: the generator draws the average person.",
        "Hippocampi vary more in size than among real people.",
    ),
    "effects": Topic(
        "disease",
        "Strength of the disease",
        "Synthetic patients differ from synthetic controls as much as real patients do from real controls.",
        "It is not shown that the disease is as strong in synthetic patients as in real ones.",
        "The disease is weaker in synthetic patients than in real ones.",
        "The disease is stronger in synthetic patients than in real ones: a caricature.",
    ),
    "one_sided": Topic(
        "disease",
        "One-sidedness",
        "As many synthetic patients are clearly one-sided as real ones.",
        "It is not shown that as many synthetic patients are clearly one-sided as real ones.",
        "Synthetic patients are a little small on both sides, as if left and right had been mixed.",
        "More synthetic than real patients are strongly one-sided: a caricature.",
    ),
    "conditioning": Topic(
        "disease",
        "The side that is asked for",
        "A patient with a focus on one side has the smaller hippocampus there, as real patients have.",
        "It is not shown that the side asked for comes out smaller, as in real patients.",
        "The side that is asked for is not the side that comes out smaller: do not trust the side of a synthetic scan.",
        "",
    ),
    "classifier": Topic(
        "disease",
        "Seen by a real-only classifier",
        "A classifier that knows only real scans tells synthetic patients from controls as well as real ones.",
        "It is not shown that a classifier that knows only real scans does as well on synthetic ones.",
        "A classifier that knows only real scans does worse on synthetic ones: it does not see the disease in them.",
        "A classifier that knows only real scans does better on synthetic ones: the disease is a caricature.",
    ),
    "audit": Topic(
        "private",
        "Whether copies would be seen",
        "Copies that were planted on purpose were found, so that what is said about copies can be believed.",
        "Too few copies were planted to say how many would be found.",
        "Copies that were planted on purpose were missed: what is said about copies means nothing.",
        "",
    ),
    "copies": Topic(
        "private",
        "Copies of training scans",
        "No more of them look like copies than chance allows, and they lie no nearer to training than to other scans.",
        "It is not shown that they lie no nearer to the training scans than to other real ones.",
        "",
        "They repeat training scans, or lie nearer to them than to other real scans: do not share them.",
    ),
    "membership": Topic(
        "private",
        "Secrecy of the training set",
        "The models' errors do not tell who was in the training set.",
        "It is not shown that the models keep to themselves who was in the training set.",
        "",
        "A model's errors tell who was in the training set: do not share that model.",
    ),
    "usefulness": Topic(
        "useful",
        "Gain on real test scans",
        "Adding synthetic scans to the training set made the classifier better on real test scans, one training each.",
        "No gain can be told: neither that synthetic scans help a classifier nor that they harm it.",
        "Adding synthetic scans to the training set made the classifier worse on real test scans, one training each.",
        "",
    ),
    "unseen_sites": Topic(
        "useful",
        "Gain at sites never seen",
        "At sites that the classifier was not trained on, synthetic scans do it no harm.",
        "It is not shown that synthetic scans do no harm at sites that the classifier was not trained on.",
        "At a site that the classifier was not trained on, synthetic scans made it worse.",
        "",
        beside=True,
    ),
}
BETTER = {
    "classical": "than moving, mirroring and shading the real ones does",
    "real": "than the real ones alone",
}
"""What the augmentation study compared with, in words."""


def topics_of(rival: str) -> dict[str, Topic]:
    """The topics; where an augmentation study was made, its ``rival`` stands in the words on usefulness."""
    if not rival:
        return TOPICS
    than = BETTER.get(rival, f"than {rival}")
    studied = replace(
        TOPICS["usefulness"],
        green=f"In the augmentation study, adding synthetic scans made classifiers better on real test scans {than}.",
        amber=f"The augmentation study leaves open whether adding synthetic scans makes classifiers better {than}.",
        low=f"In the augmentation study, adding synthetic scans made classifiers worse on real test scans {than}.",
    )
    return TOPICS | {"usefulness": studied}
