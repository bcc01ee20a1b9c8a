"""The dry run says which cards hold a recipe, and its advice is a command that can be given."""

import pytest

from tlesynth import recipe
from tlesynth.pipeline.memory import memory_rows


@pytest.fixture(scope="module")
def tiny() -> dict[str, str]:
    return memory_rows(recipe.load("tiny"), (4, 14, 17, 14))


def test_a_tiny_recipe_fits_everywhere(tiny: dict[str, str]) -> None:
    assert tiny["fits"].startswith("8 GB yes, 12 GB yes, 24 GB yes, 80 GB yes")
    assert not [name for name in tiny if name.startswith("to ")]
    assert {"autoencoder memory", "diffusion memory", "classifier memory", "decoding memory"} <= tiny.keys()


@pytest.mark.end_to_end  # 10 s and more
def test_the_papers_autoencoder_needs_a_large_card_or_less_at_once() -> None:
    # Small networks for the other two: theirs is counted in the test above.
    shrunk = ["diffusion.batch_size=1", "classifier.network=test_efficientnet", "classifier.batch_size=2"]
    loaded = recipe.load("paper", shrunk)
    rows = memory_rows(loaded, (4, 28, 34, 28))
    assert "8 GB no, 12 GB no" in rows["fits"] and "80 GB yes" in rows["fits"]
    words = rows["to fit 12 GB"].split(" (")[0].removeprefix("--set ").split(" --set ")
    thrifty = recipe.load("paper", [*shrunk, *words])
    again = memory_rows(thrifty, (4, 28, 34, 28))
    assert "12 GB yes" in again["fits"] and "to fit 12 GB" not in again
