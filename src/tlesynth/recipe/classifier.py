"""What tells patients from controls: three kinds of classifier, and how they are trained."""

from __future__ import annotations

from typing import Literal

from tlesynth.recipe.augmentation import Augmentation
from tlesynth.recipe.section import Count, CountOrZero, Fraction, NonNegative, Positive, Section


class Cnn3d(Section):
    """The 3D network of the kind ``cnn3d``, and how it is trained."""

    field: Literal["mesial", "temporal", "brain"] = "mesial"
    """What it sees of each half of the head: a box around hippocampus and amygdala, one around temporal lobe and
    thalamus, or all of it."""
    width: Count = 8
    """Channels after the first block; the second has twice as many."""
    dropout: Fraction = 0.3
    batch_size: Count = 16
    learning_rate: Positive = 2e-3
    """At the top of one cycle: a short rise, a long fall."""
    weight_decay: NonNegative = 0.1


class Figures(Section):
    """The kind ``volumes``: a model on figures that registration measures in a scan, no network."""

    model: Literal["logistic", "svm"] = "logistic"
    structures: Literal["hippocampus", "all"] = "all"
    """``all`` adds amygdala, thalamus and temporal horn."""


class Classifier(Section):
    """What tells TLE from health, or left from right: the paper's network (section 5.3) or one of its rivals."""

    kind: Literal["efficientnet", "cnn3d", "volumes"] = "efficientnet"
    """The paper's 2D network on coronal slices, a small 3D one, or a model on measured volumes."""
    task: Literal["tle", "side"] = "tle"
    """Patients against controls; or, among patients, seizures that start left against right."""
    network: str = "tf_efficientnetv2_s"
    """Of ``efficientnet``: a timm model; its first convolution takes the coronal slices as channels."""
    pretrained: bool = False
    """Of ``efficientnet``: start from its ImageNet weights (``tlesynth weights fetch efficientnetv2-s``)."""
    cnn3d: Cnn3d = Cnn3d()
    figures: Figures = Figures()
    augmentation: Augmentation = Augmentation()
    """Of the networks' training scans; the paper has none. Where the task is the side, a mirrored scan's is swapped."""
    arms: tuple[Literal["real", "synthetic", "real+0.25", "real+0.5"], ...] = (
        "real",
        "synthetic",
        "real+0.25",
        "real+0.5",
    )
    epochs: Count = 100
    """Counted on the real training set; every arm takes the same number of steps."""
    steps: CountOrZero = 0
    batch_size: Count = 128
    learning_rate: Positive = 1e-3
    restart_epochs: Count = 10
    validate_every: Count = 50
    checkpoint_every: Count = 500

    @property
    def scans_a_step(self) -> int:
        """The batch size of the kind."""
        return self.cnn3d.batch_size if self.kind == "cnn3d" else self.batch_size
