"""Shards that exist, and what a cluster is asked for."""

import pytest
import yaml
from pydantic import ValidationError

from tlesynth.recipe.sharing import Sharing


def test_a_shard_is_a_part_of_the_whole() -> None:
    assert Sharing().part == (1, 1)
    assert Sharing(shard="3/64").part == (3, 64)


@pytest.mark.parametrize("shard", ["0/4", "5/4", "1", "a/b", "1/0", "-1/4"])
def test_a_shard_that_cannot_be_is_refused(shard: str) -> None:
    with pytest.raises(ValidationError):
        Sharing(shard=shard)


def test_a_walltime_survives_yaml() -> None:
    for text in ("12:00:00", "04:30:00", "'2-00:00:00'"):
        assert Sharing.model_validate(yaml.safe_load(f"walltime: {text}")).walltime == text.strip("'")
    with pytest.raises(ValidationError):
        Sharing(walltime="soon")


def test_memory_has_a_unit() -> None:
    assert Sharing(memory="16 GiB").memory == "16 GiB"
    with pytest.raises(ValidationError):
        Sharing(memory="16")
