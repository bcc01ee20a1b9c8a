"""A rival's scan says what decides it, and its seed depends on nothing but the run's seed, the rival and its name."""

from tlesynth.synthesis.baselines.origin import origin, seed_for
from tlesynth.synthesis.requests import Subject

SEED = 5481479676859132588
"""Of sub-syn0001 in ``pca`` under seed 1, as cohorts made before have it."""


def test_a_sidecar_as_it_is_written() -> None:
    facts = origin("pca", 1, Subject("sub-syn0001", {"group": "hc"}), 1, Fitted="b", AutoencoderHash="a")
    assert list(facts.items()) == [
        ("Synthetic", True),
        ("Generator", "baseline pca"),
        ("Seed", seed_for("pca", 1, Subject("sub-syn0001"), 1)),
        ("Attempt", 2),
        ("Fitted", "b"),
        ("AutoencoderHash", "a"),
        ("Conditions", {"group": "hc"}),
    ]


def test_the_seed_is_a_subjects_own_whatever_is_asked_for() -> None:
    subject = Subject("sub-syn0001", {"group": "tle"})
    assert seed_for("pca", 1, subject, 0) == seed_for("pca", 1, Subject("sub-syn0001"), 0) == SEED
    others = [seed_for("prior", 1, subject, 0), seed_for("pca", 2, subject, 0), seed_for("pca", 1, subject, 1)]
    assert len({SEED, *others}) == 4
