from itertools import pairwise

import pytest

from tlesynth.reader_study.key import Truth
from tlesynth.reader_study.study import DESIGNS, Design
from tlesynth.reader_study.trial_lists import Lists, Question, lists_of, most_repeats, random_id

SECRET = "5e" * 32
READERS = ("reader-1", "reader-2")


def _questions(design: Design, n: int, name: str) -> list[Question]:
    truths = [Truth("real" if k % 2 else "synthetic", "hc", None, f"{name}{k}") for k in range(n)]
    if design == "2afc":
        pair = (Truth("real", "hc", None, "r"), Truth("synthetic", "hc", None, "s"))
        return [Question((f"{name}{k}r", f"{name}{k}s"), pair) for k in range(n)]
    return [Question((t.source,), (t,)) for t in truths]


def _lists(design: Design, secret: str = SECRET) -> Lists:
    return lists_of(secret, design, READERS, _questions(design, 4, "w"), _questions(design, 30, "c"), 6)


@pytest.mark.parametrize("design", DESIGNS)
def test_every_reader_sees_every_case_once_and_some_again_at_a_distance(design: Design) -> None:
    lists = _lists(design)
    for asked in lists.trials.values():
        kinds = [t.kind for t in asked]
        assert kinds[:4] == ["warm-up"] * 4 and kinds.count("case") == 30 and kinds.count("repeat") == 6
        assert len({t.trial for t in asked}) == 40
        place = {t.trial: k for k, t in enumerate(asked)}
        for trial in [t for t in asked if t.kind == "repeat"]:
            first = asked[place[lists.repeats[trial.trial]]]
            assert place[trial.trial] - place[first.trial] >= 30 // 5
            assert first.kind == "case" and trial.items == first.items[::-1]


def test_only_warm_ups_have_feedback() -> None:
    words = {
        "yes-no": {"a person", "made by a computer"},
        "2afc": {f"the {one} was made by a computer" for one in ("first", "second")},
        "diagnosis": {"healthy control"},
    }
    for design in DESIGNS:
        for asked in _lists(design).trials.values():
            assert {t.feedback for t in asked if t.kind == "warm-up"} == words[design]
            assert not any(t.feedback for t in asked if t.kind != "warm-up")


def test_feedback_on_a_pair_names_the_synthetic_one() -> None:
    for trial in _lists("2afc").trials["reader-1"][:4]:
        second = trial.items[1].endswith("s")
        assert trial.feedback == f"the {'second' if second else 'first'} was made by a computer"


def test_half_of_the_pairs_are_swapped_and_readers_have_their_own_orders_and_names() -> None:
    one, two = (_lists("2afc").trials[r] for r in READERS)
    cases = [[t for t in asked if t.kind == "case"] for asked in (one, two)]
    assert [sum(t.items[1].endswith("s") for t in c) for c in cases] == [15, 15]
    assert [set(t.items) for t in cases[0]] != [set(t.items) for t in cases[1]]
    assert not {t.trial for t in one} & {t.trial for t in two}


def test_all_is_drawn_from_the_secret() -> None:
    assert _lists("yes-no") == _lists("yes-no") != _lists("yes-no", "5f" * 32)
    names = [random_id(SECRET, "item", k) for k in range(50)]
    assert len(set(names)) == 50 and all(len(n) == 32 and int(n, 16) >= 0 for n in names)
    assert not any(a[:16] == b[:16] for a, b in pairwise(names))


def test_the_most_repeats_can_be_had() -> None:
    n = most_repeats(10)
    lists = lists_of(SECRET, "yes-no", READERS, [], _questions("yes-no", 10, "c"), n)
    assert n == 4 and all(len(asked) == 14 for asked in lists.trials.values())
