"""Classes: indices, the mirror, and the share of dropped labels."""

import pandas as pd
import pytest
import torch

from tlesynth.diffusion.conditioning import classes_of

KINDS = ["group", "group-side"]


def test_indices_follow_group_and_side() -> None:
    sided = classes_of("group-side")
    assert [sided.index("hc"), sided.index("tle", "left"), sided.index("tle", "right")] == [0, 1, 2]
    assert sided.null == 3 and sided.count == 4
    plain = classes_of("group")
    assert [plain.index("hc"), plain.index("tle", "left"), plain.index("tle", "right")] == [0, 1, 1]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_a_patient_without_a_side_takes_the_null_class(missing: object) -> None:
    sided = classes_of("group-side")
    assert sided.index("tle", missing) == sided.null  # ty: ignore[invalid-argument-type]
    assert classes_of("group").index("tle", missing) == 1  # ty: ignore[invalid-argument-type]


def test_labels_of_a_participants_table() -> None:
    table = pd.DataFrame({"group": ["hc", "tle", "tle", "tle"], "side": [None, "left", "right", None]})
    assert classes_of("group-side").of(table).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", KINDS)
def test_two_flips_are_none(kind: str) -> None:
    classes = classes_of(kind)
    labels = torch.arange(classes.count)
    assert torch.equal(classes.mirrored(classes.mirrored(labels)), labels)
    assert classes.mirrored(labels)[classes.null] == classes.null


def test_the_mirror_swaps_the_sides_and_nothing_else() -> None:
    assert classes_of("group-side").mirrored(torch.tensor([0, 1, 2, 3])).tolist() == [0, 2, 1, 3]
    assert classes_of("group").mirrored(torch.tensor([0, 1, 2])).tolist() == [0, 1, 2]


def test_dropout_replaces_the_asked_share_by_the_null_class() -> None:
    classes, labels = classes_of("group"), torch.ones(20_000, dtype=torch.int64)
    dropped = classes.dropped(labels, 0.1, torch.Generator().manual_seed(0))
    assert set(dropped.tolist()) == {1, classes.null}
    assert abs((dropped == classes.null).float().mean().item() - 0.1) < 0.01
    assert torch.equal(classes.dropped(labels, 0.0, torch.Generator().manual_seed(0)), labels)
