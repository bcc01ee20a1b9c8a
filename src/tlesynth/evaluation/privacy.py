"""The privacy section of results.json: copies, nearest neighbours in three spaces, membership inference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tlesynth import durable
from tlesynth.autoencoder.model import load_autoencoder
from tlesynth.data.resampling import on_work
from tlesynth.diffusion.model import load_diffusion
from tlesynth.errors import TlesynthError
from tlesynth.evaluation.generation import standardised
from tlesynth.evaluation.measure import Measured
from tlesynth.evaluation.membership import Models, denoising_errors, latents_of, membership, reconstruction_errors
from tlesynth.evaluation.radiomics import FEATURES
from tlesynth.evaluation.sections import HELD_OUT, NO_SYNTHETIC, REFERENCE, TRAINED, Inputs, Intervals, volumes_of
from tlesynth.metrics.statistics import LEAST_SET, Json, not_computed, proportion, too_few
from tlesynth.privacy.detector import Detector, detector_of
from tlesynth.privacy.drawing import drawn, drawn_alike
from tlesynth.privacy.gate import CERTIFICATE
from tlesynth.privacy.likeness import intensities
from tlesynth.privacy.neighbours import correlation_distances, euclidean_distances, nearness
from tlesynth.recipe import Inference, Privacy
from tlesynth.training import fabric_for

Floats = NDArray[np.floating]
NO_MODELS = not_computed("the models and the latents are not there", "tlesynth train diffusion")


@dataclass(frozen=True)
class ModelFolders:
    """Where both models and the latents lie, on which device to ask them, and in which precision: as they draw."""

    autoencoder: Path
    diffusion: Path
    latents: Path
    device: str
    inference: Inference = Inference()


def privacy(
    inputs: Inputs, measured: Measured, splits: Path, folders: ModelFolders | None, settings: Privacy, how: Intervals
) -> Json:
    """Everything about privacy; what cannot be computed says why."""
    models = _models(folders, settings)
    result: Json = {"reference": REFERENCE, "copies": _copies(inputs, settings, how)}
    result["nearest"] = {
        "voxel": _nearest_voxels(inputs, settings, how),
        "latent": _nearest_latents(inputs, models, splits, settings, how),
        "embedding": _nearest_features(inputs, measured, settings, how),
    }
    result["membership"] = _membership(inputs, models, splits, settings, how)
    return result


def _copies(inputs: Inputs, settings: Privacy, how: Intervals) -> Json:
    """What the gate said, and what the detector says now of the cohort and of real scans it was not calibrated on."""
    trained, new = _ids(inputs, TRAINED), _ids(inputs, ("test", "audit_holdout"))
    detector = detector_of(inputs.real, trained, _ids(inputs, ("val",)), settings, how.seed)
    if not isinstance(detector, Detector):
        return not_computed(detector)
    told: Json = {"calibration": detector.calibration, "planted_recall": detector.recall}
    flagged = [detector.judge(v, inputs.real.grid).copy for v in volumes_of(inputs.real, new, "judging new scans")]
    told["false_alarms"] = proportion(sum(flagged), len(flagged), how.settings.confidence)
    if inputs.synthetic is None:
        return told | {"share": NO_SYNTHETIC}
    path = inputs.synthetic.root / CERTIFICATE
    told["gate"] = durable.read_json(path)["verdict"] if path.is_file() else "the cohort carries no certificate"
    volumes = volumes_of(inputs.synthetic, inputs.synthetic.ids, "looking for copies")
    found = [detector.judge(volume, inputs.synthetic.grid) for volume in volumes]
    copies = [one for one in found if one.copy]
    told["share"] = proportion(len(copies), len(found), how.settings.confidence)
    repeated = len({one.nearest for one in copies})
    return told | {"repeated_training_scans": proportion(repeated, len(trained), how.settings.confidence)}


def _nearest_voxels(inputs: Inputs, settings: Privacy, how: Intervals) -> Json:
    """By 1 - correlation of intensities inside the brain on the 3 mm grid."""
    if inputs.synthetic is None:
        return NO_SYNTHETIC
    sides = _sides(inputs, None, how)
    made, trained, unseen = (
        np.array([intensities(on_work(v, c.grid)) for v in volumes_of(c, ids, "comparing voxels")])
        for c, ids in ((inputs.synthetic, inputs.synthetic.ids), *((inputs.real, ids) for ids in sides))
    )
    return _nearness(made, trained, unseen, settings, how, "voxel")


def _nearest_latents(inputs: Inputs, models: Models | Json, splits: Path, settings: Privacy, how: Intervals) -> Json:
    """By 1 - cosine of the posterior means, of at most ``membership_scans`` synthetic scans."""
    if inputs.synthetic is None:
        return NO_SYNTHETIC
    if not isinstance(models, Models):
        return models
    sides = _sides(inputs, settings.calibrated, how)
    if few := _too_few(sides):
        return few
    trained, unseen = (
        latents_of(models, splits, _filled(inputs, names), ids).values.flatten(1).float().cpu().numpy()
        for names, ids in zip((TRAINED, HELD_OUT), sides, strict=True)
    )
    made = inputs.synthetic
    ids = drawn(made.ids, settings.membership_scans, made.participants, how.seed, "encoded")
    encoded = np.array([models.encoded(volume) for volume in volumes_of(made, ids, "encoding synthetic scans")])
    return _nearness(encoded, trained, unseen, settings, how, "latent")


def _nearest_features(inputs: Inputs, measured: Measured, settings: Privacy, how: Intervals) -> Json:
    """By the distance of radiomic figures, in standard deviations of the training scans."""
    synthetic = (measured.table["cohort"] == "synthetic").to_numpy()
    if not synthetic.any():
        return NO_SYNTHETIC
    scaled, names = standardised(measured, measured.features), measured.table["participant_id"]
    trained, unseen = (scaled[~synthetic & names.isin(ids).to_numpy()] for ids in _sides(inputs, None, how))
    made = scaled[synthetic]
    told = nearness(
        euclidean_distances(made, trained),
        euclidean_distances(made, unseen),
        settings.subsets,
        how.of("privacy", "embedding"),
    )
    return {"features": FEATURES} | told


def _membership(inputs: Inputs, models: Models | Json, splits: Path, settings: Privacy, how: Intervals) -> Json:
    if not isinstance(models, Models):
        return {"denoiser": models, "autoencoder": models}
    confidence, sides = how.settings.confidence, _sides(inputs, settings.membership_scans, how)
    if few := _too_few(sides):
        return {"denoiser": few, "autoencoder": few}
    losses, errors = [], []
    for names, ids in zip((TRAINED, HELD_OUT), sides, strict=True):
        data = latents_of(models, splits, _filled(inputs, names), ids)
        losses.append(denoising_errors(models, data, settings.membership_draws, how.seed))
        errors.append(reconstruction_errors(models, inputs.real, ids))
    return {
        "denoiser": membership(losses[0], losses[1], confidence) | {"draws": settings.membership_draws},
        "autoencoder": membership(errors[0], errors[1], confidence),
    }


def _models(folders: ModelFolders | None, settings: Privacy) -> Models | Json:
    """Both models, loaded; or why they are not asked."""
    if settings.membership_draws == 0:
        return not_computed("privacy.membership_draws is 0 in the recipe")
    if folders is None or not all((f / "config.json").is_file() for f in (folders.autoencoder, folders.diffusion)):
        return NO_MODELS
    device = fabric_for(folders.device, "32-true").device
    try:
        autoencoder = load_autoencoder(folders.autoencoder, device).run_as(folders.inference)
        diffusion = load_diffusion(folders.diffusion, autoencoder.fingerprint).run_as(folders.inference, device)
    except TlesynthError as error:
        return not_computed(f"{error.code}: {error.why}")
    return Models(autoencoder, diffusion, folders.latents, device)


def _nearness(made: Floats, trained: Floats, unseen: Floats, settings: Privacy, how: Intervals, space: str) -> Json:
    if not (len(made) and len(trained) and len(unseen)):
        return not_computed("synthetic, training or held-out scans are missing")
    to_trained, to_unseen = (correlation_distances(made, real) for real in (trained, unseen))
    return nearness(to_trained, to_unseen, settings.subsets, how.of("privacy", space))


def _sides(inputs: Inputs, most: int | None, how: Intervals) -> tuple[list[str], list[str]]:
    """Training and held-out scans to be compared, at most ``most`` of either, with the same share of patients."""
    trained, unseen = _ids(inputs, TRAINED), _ids(inputs, HELD_OUT)
    most = most or len(trained) + len(unseen)
    return drawn_alike(trained, unseen, most, inputs.real.participants, how.seed, "audit")


def _too_few(sides: tuple[list[str], list[str]]) -> Json | None:
    fewest = min(len(side) for side in sides)
    return too_few(fewest, LEAST_SET) if fewest < LEAST_SET else None


def _ids(inputs: Inputs, splits: tuple[str, ...]) -> list[str]:
    return [i for split in splits for i in inputs.members.get(split, [])]


def _filled(inputs: Inputs, splits: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``splits`` in which somebody stands."""
    return tuple(split for split in splits if inputs.members.get(split))
