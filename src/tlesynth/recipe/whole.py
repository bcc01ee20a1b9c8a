"""The whole recipe: everything a run needs to know."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tlesynth.recipe.augment_study import AugmentStudy
from tlesynth.recipe.autoencoder import Autoencoder
from tlesynth.recipe.classifier import Classifier
from tlesynth.recipe.diffusion import Diffusion
from tlesynth.recipe.encode import Encode
from tlesynth.recipe.inference import Inference
from tlesynth.recipe.judging import Evaluation, Sample, Tune
from tlesynth.recipe.labels import Labels
from tlesynth.recipe.preprocess import Preprocess
from tlesynth.recipe.privacy import Privacy
from tlesynth.recipe.rehearsal import Rehearsal
from tlesynth.recipe.section import Section
from tlesynth.recipe.simulate import Simulate
from tlesynth.recipe.split import Split

DeviceName = Literal["auto", "cpu", "cuda"]


class Recipe(Section):
    """Everything a run needs to know."""

    name: str = "paper"
    about: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    device: DeviceName = "auto"
    devices: Annotated[int, Field(ge=1, le=1024)] = 1
    """Devices a node that train the diffusion model together, each in a process of its own."""
    precision: Literal["auto", "32-true", "bf16-mixed"] = "32-true"
    """``auto``: bf16-mixed where the device computes in bfloat16 natively, else 32-true."""
    simulate: Simulate = Simulate()
    labels: Labels = Labels()
    preprocess: Preprocess = Preprocess()
    split: Split = Split()
    autoencoder: Autoencoder = Autoencoder()
    inference: Inference = Inference()
    encode: Encode = Encode()
    diffusion: Diffusion = Diffusion()
    tune: Tune = Tune()
    sample: Sample = Sample()
    privacy: Privacy = Privacy()
    classifier: Classifier = Classifier()
    evaluation: Evaluation = Evaluation()
    rehearsal: Rehearsal = Rehearsal()
    augment_study: AugmentStudy = AugmentStudy()
