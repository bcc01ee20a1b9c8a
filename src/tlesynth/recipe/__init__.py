"""The recipe: one frozen model per stage. Defaults are the paper's; a recipe file lists only what differs."""

from tlesynth.recipe.augment_study import AugmentStudy
from tlesynth.recipe.augmentation import Augmentation
from tlesynth.recipe.autoencoder import AdversarialPhase, Autoencoder, AutoencoderNetwork, ReconstructionPhase
from tlesynth.recipe.classifier import Classifier, Cnn3d, Figures
from tlesynth.recipe.conditions import Category, Quantity
from tlesynth.recipe.diffusion import Diffusion, DiffusionNetwork, Noise, Windows
from tlesynth.recipe.encode import Encode
from tlesynth.recipe.gate import Gate
from tlesynth.recipe.inference import Inference
from tlesynth.recipe.judging import Evaluation, Measures, Sample, Sampling, Tune, Usage
from tlesynth.recipe.labels import Labels
from tlesynth.recipe.loading import RECIPES, SHIPPED, dump, load, parse
from tlesynth.recipe.preprocess import Preprocess
from tlesynth.recipe.privacy import Privacy
from tlesynth.recipe.rehearsal import Rehearsal
from tlesynth.recipe.section import Section
from tlesynth.recipe.simulate import Simulate
from tlesynth.recipe.split import Split
from tlesynth.recipe.verdict import Verdict
from tlesynth.recipe.whole import DeviceName, Recipe

__all__ = [
    "RECIPES",
    "SHIPPED",
    "AdversarialPhase",
    "AugmentStudy",
    "Augmentation",
    "Autoencoder",
    "AutoencoderNetwork",
    "Category",
    "Classifier",
    "Cnn3d",
    "DeviceName",
    "Diffusion",
    "DiffusionNetwork",
    "Encode",
    "Evaluation",
    "Figures",
    "Gate",
    "Inference",
    "Labels",
    "Measures",
    "Noise",
    "Preprocess",
    "Privacy",
    "Quantity",
    "Recipe",
    "ReconstructionPhase",
    "Rehearsal",
    "Sample",
    "Sampling",
    "Section",
    "Simulate",
    "Split",
    "Tune",
    "Usage",
    "Verdict",
    "Windows",
    "dump",
    "load",
    "parse",
]
