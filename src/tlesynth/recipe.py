"""The recipe: one frozen model per stage. Defaults are the paper's; a recipe file lists only what differs.

Unknown keys are errors, and every error is reported at once. ``--set a.b=c`` changes single values.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tlesynth.errors import TlesynthError, fail

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, lt=1e6)]
NonNegative = Annotated[float, Field(ge=0, lt=1e6)]
Count = Annotated[int, Field(ge=1, le=10_000_000)]
CountOrZero = Annotated[int, Field(ge=0, le=10_000_000)]
Widths = Annotated[tuple[Count, ...], Field(min_length=1, max_length=6)]
Triple = tuple[Count, Count, Count]

LARGEST_RECIPE = 1_000_000
"""Bytes; a recipe is a page of text."""


class Section(BaseModel):
    """A part of the recipe: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Simulate(Section):
    """The simulated cohort (used where no input cohort is given)."""

    n_hc: Count = 500
    n_tle: Count = 500
    voxel_mm: Annotated[float, Field(ge=0.5, le=4)] = 1.0
    """Voxel size of the simulated native scans."""
    sites: Annotated[int, Field(ge=1, le=100)] = 12
    severity_scale: Annotated[float, Field(ge=0, le=3)] = 1.0
    """Multiplies every disease effect; 1 is the default preset, 0 plants none."""
    sclerosis_share: Fraction = 0.5
    """Share of patients with hippocampal sclerosis; the others are MRI-negative."""
    left_share: Fraction = 0.55
    bias_field: Annotated[float, Field(ge=0, le=0.3)] = 0.06
    """Standard deviation of the log bias field of a raw scan."""
    noise_scale: Annotated[float, Field(ge=0, le=5)] = 1.0


class Labels(Section):
    """Which columns of participants.tsv mean what, and which values name the groups."""

    group_column: str = "group"
    hc: tuple[str, ...] = ("hc", "HC", "control", "Control", "healthy", "Healthy")
    tle: tuple[str, ...] = ("tle", "TLE", "patient", "Patient")
    side_column: str = "side"
    left: tuple[str, ...] = ("left", "Left", "L", "l", "Left-TLE")
    right: tuple[str, ...] = ("right", "Right", "R", "r", "Right-TLE")
    hs_column: str = "hs"
    hs_yes: tuple[str, ...] = ("yes", "Yes", "1", "hs", "HS")
    hs_no: tuple[str, ...] = ("no", "No", "0")
    age_column: str = "age"
    sex_column: str = "sex"
    site_column: str = "site"


class Preprocess(Section):
    """From native scans to skull-stripped volumes on the MNI grid."""

    grid: Literal["mni-1.5mm", "mni-3mm"] = "mni-1.5mm"
    brain_mask: Literal["auto", "extracted", "template"] = "auto"
    """``auto`` looks whether the background is already zero; else the template-prior mask."""
    n4: bool = True
    n4_shrink: Annotated[int, Field(ge=1, le=8)] = 4
    registration_mm: Annotated[float, Field(ge=1, le=6)] = 2.0
    """Voxel size on which the affine registration runs; the resampling reads the full scan."""
    smooth_fwhm_mm: Annotated[float, Field(ge=0, le=20)] = 0.0
    """Gaussian smoothing of the final T1 (the paper's text says 10; 0 keeps the hippocampus visible)."""
    least_dice: Fraction = 0.80
    """Dice with the template's brain mask below which a scan is refused (REG-001)."""
    jobs: Annotated[int, Field(ge=0, le=256)] = 0
    """Subjects in parallel; 0 means one per processor core."""


class Split(Section):
    """Shares of participants; the paper's are 80 / 7.4 / 12.6."""

    gen_train: Fraction = 0.80
    val: Fraction = 0.074
    test: Fraction = 0.126
    audit_holdout: Fraction = 0.0
    stratify: tuple[str, ...] = ("group", "site")

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Split:
        total = self.gen_train + self.val + self.test + self.audit_holdout
        if abs(total - 1) > 1e-6:
            raise ValueError(f"gen_train + val + test + audit_holdout is {total:.4f}, not 1")
        if min(self.gen_train, self.val, self.test) <= 0:
            raise ValueError("gen_train, val and test must each be above 0")
        return self


class AutoencoderNetwork(Section):
    """MONAI's KL autoencoder; the latent is 4 times smaller on each axis."""

    channels: Annotated[tuple[Count, ...], Field(min_length=3, max_length=3)] = (64, 128, 256)
    residual_blocks: Annotated[int, Field(ge=1, le=4)] = 1
    latent_channels: Annotated[int, Field(ge=1, le=16)] = 4
    norm_groups: Count = 32

    @model_validator(mode="after")
    def _groups_divide(self) -> AutoencoderNetwork:
        if any(width % self.norm_groups for width in self.channels):
            raise ValueError(f"norm_groups {self.norm_groups} must divide each of channels {self.channels}")
        return self


class ReconstructionPhase(Section):
    """Phase 1: reconstruction, perceptual and KL losses. ``steps`` wins over ``epochs`` where it is above 0."""

    epochs: Count = 100
    steps: CountOrZero = 0
    learning_rate: Positive = 1e-3
    restart_epochs: Count = 10
    """First period of the cosine annealing with warm restarts; each period is twice the one before."""
    batch_size: Count = 2


class AdversarialPhase(Section):
    """Phase 2: discriminator and autoencoder in turn (the paper's two scripts)."""

    rounds: CountOrZero = 65
    discriminator_epochs: Count = 2
    discriminator_steps: CountOrZero = 0
    """Above 0, wins over discriminator_epochs."""
    autoencoder_epochs: Count = 2
    """Bound of one autoencoder turn, in epochs, where the stopping rule does not fire before."""
    autoencoder_steps: CountOrZero = 0
    stop_below: Positive = 0.1
    """The turn ends when the running mean of the adversarial loss falls below this."""
    learning_rate: Positive = 1e-4
    discriminator_learning_rate: Positive = 1e-4
    discriminator_channels: Count = 32
    discriminator_layers: Annotated[int, Field(ge=1, le=5)] = 3


class Autoencoder(Section):
    """The VAE-GAN (paper, sections 3.1 and 5.1)."""

    network: AutoencoderNetwork = AutoencoderNetwork()
    l1: NonNegative = 1.0
    perceptual: Literal["none", "ssim3d", "lpips-alex", "lpips-squeeze"] = "lpips-alex"
    perceptual_weight: NonNegative = 0.6
    perceptual_slices: Fraction = 0.25
    """Share of the slices of each plane that one step compares (LPIPS only)."""
    kl: NonNegative = 1e-6
    """Weight of the KL divergence, summed over elements and averaged over the batch."""
    adversarial: NonNegative = 0.02
    reconstruction: ReconstructionPhase = ReconstructionPhase()
    adversarial_phase: AdversarialPhase = AdversarialPhase()
    gradient_clip: Positive = 1.0
    validate_every: Count = 500
    checkpoint_every: Count = 500


class DiffusionNetwork(Section):
    """DiT-3D (paper, section 5.2)."""

    patch: Triple = (4, 2, 4)
    depth: Count = 12
    width: Count = 384
    heads: Count = 6
    mlp_ratio: Positive = 4.0
    classes: Literal["group", "group-side"] = "group"
    """``group``: hc, tle. ``group-side``: hc, tle-left, tle-right."""
    class_dropout: Fraction = 0.1
    baseline: Literal["none", "voxelwise"] = "none"
    """``voxelwise``: the network corrects the exact denoiser of voxel-by-voxel Gaussian latents (v_prediction only)."""

    @model_validator(mode="after")
    def _heads_divide(self) -> DiffusionNetwork:
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} must divide width {self.width}")
        if self.width % 6:
            raise ValueError(f"width {self.width} must be divisible by 6 (a sine and a cosine for each of three axes)")
        return self


class Noise(Section):
    """The forward process (paper, equations 6 and 7)."""

    timesteps: Annotated[int, Field(ge=10, le=10_000)] = 1000
    schedule: Literal["linear", "scaled_linear"] = "linear"
    beta_start: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    beta_end: Annotated[float, Field(gt=0, lt=1)] = 2e-2
    prediction: Literal["epsilon", "v_prediction"] = "epsilon"

    @model_validator(mode="after")
    def _betas_rise(self) -> Noise:
        if self.beta_start >= self.beta_end:
            raise ValueError(f"beta_start {self.beta_start} must be below beta_end {self.beta_end}")
        return self


class Diffusion(Section):
    """Training of the latent diffusion model (paper, section 5.2)."""

    network: DiffusionNetwork = DiffusionNetwork()
    noise: Noise = Noise()
    epochs: Count = 10_000
    steps: CountOrZero = 0
    """Above 0, wins over epochs."""
    batch_size: Count = 16
    learning_rate: Positive = 1e-4
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.9999
    flip: bool = False
    """Also train on the mirrored scans, with left and right TLE swapped."""
    gradient_clip: Positive = 1.0
    validate_every: Count = 1000
    checkpoint_every: Count = 1000

    @model_validator(mode="after")
    def _baseline_fits(self) -> Diffusion:
        if self.network.baseline == "voxelwise" and self.noise.prediction != "v_prediction":
            raise ValueError("network.baseline voxelwise needs noise.prediction v_prediction")
        return self


class Sample(Section):
    """The synthetic cohort."""

    n_hc: Count = 500
    n_tle: Count = 500
    sampler: Literal["ddpm", "ddim"] = "ddpm"
    steps: Count = 1000
    guidance: Annotated[float, Field(ge=0, le=20)] = 1.0
    """Classifier-free guidance scale; 1 is plain conditional sampling (the paper names none)."""
    batch_size: Count = 4
    film_frames: Annotated[int, Field(ge=2, le=50)] = 6
    """Moments of the reverse process kept for Figure 7."""


class Classifier(Section):
    """TLE against healthy on coronal slices (paper, section 5.3)."""

    network: str = "tf_efficientnetv2_s"
    """A timm model; its first convolution takes the coronal slices as channels."""
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


class Evaluation(Section):
    """What is measured on the real and the synthetic cohort."""

    bootstrap: Annotated[int, Field(ge=100, le=100_000)] = 2000
    diversity_pairs: Count = 1000
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


class Recipe(Section):
    """Everything a run needs to know."""

    name: str = "paper"
    about: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "32-true", "bf16-mixed"] = "32-true"
    """``auto``: bf16-mixed where the device computes in bfloat16 natively, else 32-true."""
    simulate: Simulate = Simulate()
    labels: Labels = Labels()
    preprocess: Preprocess = Preprocess()
    split: Split = Split()
    autoencoder: Autoencoder = Autoencoder()
    diffusion: Diffusion = Diffusion()
    sample: Sample = Sample()
    classifier: Classifier = Classifier()
    evaluation: Evaluation = Evaluation()


def load(name_or_path: str | Path, overrides: tuple[str, ...] | list[str] = ()) -> Recipe:
    """Read a recipe by its name (paper, demo, tiny) or from a YAML file, then apply ``a.b=c`` overrides.

    Raises:
        TlesynthError: CFG-001 for an unknown key, CFG-002 for a refused value, CFG-004 for unreadable YAML.
    """
    path = Path(name_or_path)
    if not path.suffix and not path.is_file():
        path = Path(__file__).parent / "recipes" / f"{name_or_path}.yaml"
    values = _read_yaml(path, str(name_or_path))
    for override in overrides:
        _override(values, override)
    return parse(values, str(name_or_path))


def parse(values: dict[str, Any], where: str) -> Recipe:
    """Validate ``values``; every fault is named in one error."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise _recipe_error(error, where) from error


def dump(recipe: Section) -> str:
    """The resolved recipe as YAML: every value, defaults included."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, width=100)


def _read_yaml(path: Path, name: str) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_RECIPE:
            raise fail("CFG-004", name, f"larger than {LARGEST_RECIPE:,} bytes")
        text = path.read_text(encoding="utf-8")
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise fail("CFG-004", name, "YAML aliases are not allowed")
        values = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise fail("CFG-004", name, "no such recipe") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise fail("CFG-004", name, " ".join(str(error).split())) from error
    if not isinstance(values, dict):
        raise fail("CFG-004", name, "it is not a mapping of keys to values")
    return values


def _override(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise fail("CFG-002", f"--set {override}", "write it as section.key=value")
    *parents, last = key.strip().split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise fail("CFG-001", f"--set {override}", f"{parent} is not a section")
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise fail("CFG-002", f"--set {override}", "the value is not YAML") from error


def _recipe_error(error: ValidationError, where: str) -> TlesynthError:
    faults = error.errors()
    unknown = [f for f in faults if f["type"] == "extra_forbidden"]
    lines = []
    for fault in unknown or faults:
        key = ".".join(str(part) for part in fault["loc"]) or "recipe"
        if fault["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(fault["loc"][-1]), _keys_of(fault["loc"][:-1]), n=1)
            lines.append(key + (f" (did you mean {near[0]}?)" if near else ""))
        else:
            lines.append(f"{key}: {fault['msg'].removeprefix('Value error, ')}")
    return fail("CFG-001" if unknown else "CFG-002", where, "; ".join(lines))


def _keys_of(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Recipe
    for part in location:
        model = model.model_fields[str(part)].annotation
    return list(model.model_fields)
