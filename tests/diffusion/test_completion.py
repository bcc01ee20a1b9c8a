"""What a request leaves open is drawn as the training set has it: its means, its spread, and what goes together."""

import pytest
import torch
from torch import Tensor

from tlesynth.diffusion.completion import Completion, fit_completion, read_completion
from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.errors import TlesynthError

CONDITIONS = Conditions(
    (
        Condition("group", ("hc", "tle")),
        Condition("side", ("left", "right"), mirror=(("left", "right"), ("right", "left"))),
        Condition("left_mm3", low=1000, high=7000, mirror_of="right_mm3"),
        Condition("right_mm3", low=1000, high=7000, mirror_of="left_mm3"),
    )
)
DRAWN = ("left_mm3", "right_mm3")
SMALL, LARGE = 3500.0, 4500.0
SPREADS = {"hc": 200.0, "tle": 400.0}


def scans(n: int) -> Tensor:
    """Conditions (n, 4): a left focus shrinks the left volume, a right one the right; both vary together (r = 0.8)."""
    noise = torch.randn(n, 2, generator=torch.Generator().manual_seed(4))
    noise[:, 1] = 0.8 * noise[:, 0] + 0.6 * noise[:, 1]
    rows = []
    for i in range(n):
        group, side = [("hc", None), ("tle", "left"), ("tle", "right")][i % 3]
        means = [SMALL if side == mine else LARGE for mine in ("left", "right")]
        left, right = (m + SPREADS[group] * float(e) for m, e in zip(means, noise[i], strict=True))
        rows.append({"group": group, "left_mm3": left, "right_mm3": right} | ({"side": side} if side else {}))
    return CONDITIONS.asked(rows, "test")


@pytest.fixture(scope="module")
def completion() -> Completion:
    return fit_completion(scans(1200), CONDITIONS, DRAWN)


def drawn(completion: Completion, n: int, **asked: object) -> Tensor:
    """The volumes (n, 2) in mm3 of ``n`` people who are asked for alike."""
    (told,) = CONDITIONS.asked([asked], "test")
    full = [completion.completed(told, CONDITIONS, torch.Generator().manual_seed(i)) for i in range(n)]
    return 1000 + 6000 * torch.stack(full)[:, 2:]


def test_each_group_and_side_has_its_own_mean_and_spread(completion: Completion) -> None:
    left, healthy = drawn(completion, 600, group="tle", side="left"), drawn(completion, 600, group="hc")
    assert left.mean(0).tolist() == pytest.approx([SMALL, LARGE], abs=50)
    assert healthy.mean(0).tolist() == pytest.approx([LARGE, LARGE], abs=50)
    assert left.std(0).tolist() == pytest.approx([400, 400], rel=0.1)
    assert healthy.std(0).tolist() == pytest.approx([200, 200], rel=0.1)
    assert torch.corrcoef(left.T)[0, 1].item() == pytest.approx(0.8, abs=0.05)


def test_what_is_told_stays_and_is_followed(completion: Completion) -> None:
    found = drawn(completion, 600, group="tle", side="left", left_mm3=SMALL + 400)
    assert found[:, 0].tolist() == pytest.approx([SMALL + 400] * 600, abs=0.1)
    assert found[:, 1].mean().item() == pytest.approx(LARGE + 0.8 * 400, abs=50)
    assert found[:, 1].std().item() == pytest.approx(0.6 * 400, rel=0.1)
    everything = CONDITIONS.asked([{"group": "hc", "left_mm3": 3000, "right_mm3": 3100}], "test")[0]
    full = completion.completed(everything, CONDITIONS, torch.Generator().manual_seed(0))
    assert torch.allclose(full, everything, equal_nan=True)


def test_chance_is_the_same_whatever_is_asked(completion: Completion) -> None:
    gap = drawn(completion, 20, group="tle", side="right") - drawn(completion, 20, group="tle", side="left")
    assert gap.std(0).max() < 1 and gap.mean(0).tolist() == pytest.approx([1000, -1000], abs=60)


def test_a_scan_keeps_its_distance_to_what_is_expected(completion: Completion) -> None:
    own, asked = CONDITIONS.asked(
        [
            {"group": "hc", "left_mm3": LARGE + 300, "right_mm3": LARGE},
            {"group": "tle", "side": "left", "left_mm3": LARGE + 300, "right_mm3": LARGE},
        ],
        "test",
    )
    moved = completion.moved(own, asked, CONDITIONS)
    assert (1000 + 6000 * moved[2:]).tolist() == pytest.approx([SMALL + 300, LARGE], abs=50)
    back = completion.moved(moved, own, CONDITIONS)
    assert torch.allclose(back[2:], own[2:], atol=1e-5)


def test_draws_stay_within_what_was_trained(completion: Completion) -> None:
    wild = Completion(DRAWN, completion.centre, completion.mean, completion.slopes, {"": 100 * torch.eye(2).double()})
    found = drawn(wild, 50, group="tle", side="left")
    assert found.min() == 1000 and found.max() == 7000


def test_it_is_written_and_read(completion: Completion) -> None:
    again = read_completion(completion.described())
    assert torch.equal(drawn(again, 5, group="hc"), drawn(completion, 5, group="hc"))
    assert set(again.spread) == {"", "group=hc", "group=tle"}


def test_numbers_alone_are_drawn_too() -> None:
    alone = Conditions(CONDITIONS.items[2:])
    found = fit_completion(scans(300)[:, 2:], alone, DRAWN)
    full = [found.completed(alone.null(1)[0], alone, torch.Generator().manual_seed(i)) for i in range(300)]
    assert (1000 + 6000 * torch.stack(full).mean(0)).tolist() == pytest.approx([4167, 4167], abs=80)


def test_a_group_of_few_has_everybody_s_spread() -> None:
    told = scans(60)
    few = torch.cat([told[told[:, 0] == 0], told[told[:, 0] == 1][:9]])
    assert set(fit_completion(few, CONDITIONS, DRAWN).spread) == {"", "group=hc"}


def test_numbers_that_hardly_anybody_tells_are_refused() -> None:
    told = scans(60)
    told[2:, 3] = torch.nan
    with pytest.raises(TlesynthError, match=r"CFG-011.*left_mm3\.drawn.*2 training scans tell left_mm3 and right_mm3"):
        fit_completion(told, CONDITIONS, DRAWN)
