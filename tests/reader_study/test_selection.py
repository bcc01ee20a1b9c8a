from dataclasses import replace

import pytest

from tlesynth.data.cohort import read_cohort
from tlesynth.errors import TlesynthError
from tlesynth.reader_study.create import Sources
from tlesynth.reader_study.key import Truth
from tlesynth.reader_study.selection import Pool, allot, choose, largest, pool_of, require_numbers


def _pool(cohorts: Sources, wanted: tuple[str, ...] = ()) -> Pool:
    return pool_of(read_cohort(cohorts.real), read_cohort(cohorts.synthetic), cohorts.splits, wanted, "yes-no")


@pytest.mark.parametrize(
    ("n", "room", "given"),
    [
        (8, {"hc": 9, "tle-left": 9, "tle-right": 9}, {"hc": 4, "tle-left": 2, "tle-right": 2}),
        (6, {"hc": 9, "tle-left": 0, "tle-right": 9}, {"hc": 3, "tle-left": 0, "tle-right": 3}),
        (8, {"hc": 2, "tle-left": 9, "tle-right": 1}, {"hc": 2, "tle-left": 5, "tle-right": 1}),
        (9, {"hc": 2, "tle": 3}, {"hc": 2, "tle": 3}),
    ],
)
def test_groups_are_even_then_sides_as_far_as_there_is_room(n: int, room: dict, given: dict) -> None:
    assert allot(n, room) == given


def test_what_the_generator_learnt_from_is_never_shown(cohorts: Sources) -> None:
    assert len(_pool(cohorts).real) == 16 and not _pool(cohorts).reserve
    only = _pool(cohorts, ("test",))
    assert len(only.real) == 14 and len(only.reserve) == 2
    with pytest.raises(TlesynthError, match="STUDY-004"):
        _pool(cohorts, ("gen_train",))
    for wrong in (replace(cohorts, splits=None), cohorts):
        with pytest.raises(TlesynthError, match="STUDY-003"):
            _pool(wrong, ("tests",))


def test_both_origins_have_the_same_strata_and_no_scan_comes_twice(cohorts: Sources) -> None:
    chosen = choose(_pool(cohorts), "yes-no", 12, 2, 3)
    scans = [t for question in [*chosen.cases, *chosen.warm_ups] for t in question]
    assert len(chosen.cases) == 12 and len(chosen.warm_ups) == 2 and len(set(scans)) == 14
    strata = {o: sorted(t.stratum for (t,) in chosen.cases if t.origin == o) for o in ("real", "synthetic")}
    assert strata["real"] == strata["synthetic"] and strata["real"].count("hc") == 3


def test_a_pair_is_of_one_stratum(cohorts: Sources) -> None:
    for real, synthetic in choose(_pool(cohorts), "2afc", 7, 1, 0).cases:
        assert (real.origin, synthetic.origin) == ("real", "synthetic") and real.stratum == synthetic.stratum


def test_the_seed_decides_and_the_order_of_a_table_does_not(cohorts: Sources) -> None:
    pool = _pool(cohorts)
    turned = Pool(pool.real[::-1], pool.reserve, pool.synthetic[::-1])
    assert choose(pool, "yes-no", 8, 2, 1) == choose(turned, "yes-no", 8, 2, 1)
    assert choose(pool, "yes-no", 8, 2, 1) != choose(pool, "yes-no", 8, 2, 2)


def test_warm_ups_may_come_from_the_other_held_out_scans(cohorts: Sources) -> None:
    chosen = choose(_pool(cohorts, ("test",)), "2afc", 14, 2, 0)
    assert {real.source for real, _ in chosen.warm_ups} == {"sub-real14", "sub-real15"}


@pytest.mark.parametrize(("n", "warm_ups", "code"), [(7, 2, "003"), (8, 1, "003"), (40, 2, "002"), (0, 0, "003")])
def test_numbers_that_do_not_fit_are_refused(cohorts: Sources, n: int, warm_ups: int, code: str) -> None:
    with pytest.raises(TlesynthError, match=f"STUDY-{code}"):
        choose(_pool(cohorts), "yes-no", n, warm_ups, 0)


def test_the_largest_study_is_found_and_told(cohorts: Sources) -> None:
    pool = _pool(cohorts, ("test",))  # of 14 real test scans 7 are controls; 2 more may be warm-ups
    for design, warm_ups in (("yes-no", 2), ("yes-no", 4), ("2afc", 2)):
        most = largest(pool, design, warm_ups)
        choose(pool, design, most, warm_ups, 0)
        with pytest.raises(TlesynthError, match=rf"STUDY-002.*the largest possible is --n {most} with --warm-up"):
            choose(pool, design, most + 2, warm_ups, 0)
    assert largest(pool, "2afc", 2) == 14 and largest(pool, "yes-no", 4) == 28
    assert largest(pool, "2afc", 99) == 0
    with pytest.raises(TlesynthError, match="not even --n 2 is possible with --warm-up 99"):
        choose(pool, "2afc", 4, 99, 0)


@pytest.mark.parametrize(
    ("n", "warm_ups", "why"),
    [(0, 2, "--n 0.*at least 2"), (7, 2, "--n 7.*even"), (8, -1, "--warm-up -1"), (8, 1, "--warm-up 1.*even")],
)
def test_each_number_that_cannot_be_is_named_with_its_reason(n: int, warm_ups: int, why: str) -> None:
    with pytest.raises(TlesynthError, match=why):
        require_numbers("yes-no", n, warm_ups)


def test_strata_are_groups_where_a_side_is_unknown(cohorts: Sources) -> None:
    real, synthetic = read_cohort(cohorts.real), read_cohort(cohorts.synthetic)
    synthetic.participants["side"] = None
    pool = pool_of(real, synthetic, None, (), "yes-no")
    assert {t.stratum for t in pool.real} == {"hc", "tle"} and all(isinstance(t, Truth) for t in pool.synthetic)
    with pytest.raises(TlesynthError, match="STUDY-003"):
        pool_of(real, synthetic, None, (), "diagnosis")
