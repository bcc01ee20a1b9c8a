"""Draws are keyed, not ordered."""

import numpy as np
import torch

from tlesynth.seeds import generator, seed_of, torch_generator


def test_a_key_gives_the_same_draw_whatever_came_before() -> None:
    first = generator(1, "noise", 7).normal(size=4)
    generator(1, "noise", 8).normal(size=100)
    assert np.array_equal(generator(1, "noise", 7).normal(size=4), first)


def test_keys_do_not_collide_by_concatenation() -> None:
    assert len({seed_of(1, "a", 23), seed_of(1, "a", 2, 3), seed_of(12, "a", 3), seed_of(1, "b", 23)}) == 4


def test_torch_draws_are_keyed_too() -> None:
    draws = [torch.randn(3, generator=torch_generator(5, "x", i)) for i in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    assert 0 <= seed_of(2**62, "x") < 2**63
