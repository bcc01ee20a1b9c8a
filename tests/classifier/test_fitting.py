"""Every arm takes the same steps, counted on the real scans."""

from tlesynth.classifier.fitting import fitting_for
from tlesynth.recipe import Classifier


def test_epochs_are_counted_on_the_real_scans_in_the_kinds_own_batches() -> None:
    paper = fitting_for(Classifier(), 2832, seed=0, device="cpu", precision="32-true")
    assert (paper.steps, paper.restart) == (100 * 23, 10 * 23)
    small = fitting_for(Classifier(kind="cnn3d", epochs=2), 33, seed=0, device="cpu", precision="32-true")
    assert small.steps == 2 * 3
    assert fitting_for(Classifier(steps=7), 2832, seed=0, device="cpu", precision="32-true").steps == 7


def test_the_identity_leaves_out_what_other_arms_do() -> None:
    one, other = (
        fitting_for(Classifier(arms=arms, steps=7), 9, seed=0, device="cpu", precision="32-true").identity
        for arms in (("real",), ("real", "synthetic"))
    )
    assert one == other
