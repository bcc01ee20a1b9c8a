"""The simulated cohort as a raw BIDS data set; its truth lies in derivatives/truth and only evaluation reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from tlesynth import durable, volume
from tlesynth.data import cohort
from tlesynth.data.simulate import failures, scan, subjects
from tlesynth.data.simulate.presets import severity_scale
from tlesynth.data.simulate.shape import Shape, shape, sided, template_volumes
from tlesynth.errors import fail
from tlesynth.progress import bar
from tlesynth.recipe import Simulate
from tlesynth.seeds import generator
from tlesynth.sharing.crew import Crew

TRUTH = Path("derivatives") / "truth"
ABOUT = (
    "Simulated skull-stripped T1-weighted scans of healthy controls and of patients with temporal lobe epilepsy: "
    "an average brain template, randomly deformed, with one-sided hippocampal atrophy planted. No person was scanned. "
    "It shows that software works; it is no clinical evidence."
)


def simulate_cohort(settings: Simulate, out: Path, *, seed: int, jobs: int = 0) -> None:
    """Write ``settings.n_hc`` controls and ``settings.n_tle`` patients as a raw BIDS data set under ``out``.

    The truth (latent draws, exact volumes) goes to ``derivatives/truth/truth.tsv``. Finished subjects are kept;
    ``jobs`` 0 means one process a core, and changes no voxel.

    Raises:
        TlesynthError: CFG-002 if the preset has no calibrated severity, CFG-010 if ``out`` holds another simulation,
            NUM-007 if a drawn volume cannot be reached.
    """
    out = Path(out)
    claim(out, {"settings": as_planted(settings), "seed": seed})
    assignments = subjects.design(settings, seed)
    sites = [scan.draw_site(number, settings, seed) for number in range(settings.sites)]
    todo = {a.participant_id: a for a in assignments if not is_finished(out, a.participant_id)}
    spoilt = failures.choose(assignments, settings, seed)
    work = partial(simulate_subject, sites=sites, settings=settings, out=out, seed=seed, spoilt=spoilt)
    with bar("simulating scans", len(assignments), len(assignments) - len(todo)) as shown:
        for name, _ in Crew(work, jobs, _lost).each(todo):
            shown.advance(note=name)
    table = pd.DataFrame([vars(a) | {"site": sites[a.site].name} for a in assignments]).set_index("participant_id")
    cohort.write_participants(out, table)
    cohort.write_dataset_description(out, "tlesynth simulated cohort", "raw", ABOUT, license="CC0")
    finish_truth(out, [a.participant_id for a in assignments])


def simulate_subject(
    assignment: subjects.Assignment,
    sites: list[scan.Site],
    settings: Simulate,
    out: Path,
    seed: int,
    spoilt: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Draw, deform, scan and write one subject; its truth is written last and marks it finished.

    ``spoilt`` names the participants whose scan fails, and how.
    """
    site = sites[assignment.site]
    shifts = (site.severity_shift, site.volume_shift)
    latents = subjects.draw(assignment, settings, seed, shifts=shifts)
    made = shape(latents, generator(seed, "shape", assignment.participant_id))
    rng = generator(seed, "scan", assignment.participant_id)
    pose = scan.draw_pose(latents.icv_ml, rng)
    voxels = scan.acquire(latents, made, pose, site, settings, rng)
    voxels = voxels[::-1] if assignment.side == "left" else voxels
    affine, failed = scan.native_grid(settings.voxel_mm).affine, spoilt.get(assignment.participant_id, "no")
    if failed != "no":
        voxels, affine = failures.spoil(voxels, affine, failed, generator(seed, "failure", assignment.participant_id))
    path = scan_path(out, assignment.participant_id)
    volume.write(path, voxels, affine, description="tlesynth simulated T1w")
    durable.write_json(path.with_name(path.name.replace(".nii.gz", ".json")), sidecar(site, settings.voxel_mm))
    truth = vars(assignment) | {"site": site.name, "seed": seed, "failed": failed}
    truth |= {"preset": settings.preset, "scenario": settings.scenario, "severity_scale": severity_scale(settings)}
    truth |= facts(latents, made, pose.scale, assignment.side) | pose.numbers(assignment.side)
    durable.write_json(truth_path(out, assignment.participant_id), truth)


def facts(latents: subjects.Latents, made: Shape, scale: float, side: str | None) -> dict[str, Any]:
    """What is true of one subject, by anatomical side: volumes in mm3 (MNI, native), asymmetry, every latent draw."""
    mni = sided(made.volumes, side)
    left, right = mni["hippocampus_left"], mni["hippocampus_right"]
    return (
        {f"{name}_mni_mm3": value for name, value in mni.items()}
        | {f"{name}_native_mm3": value * scale for name, value in mni.items()}
        | {"asymmetry_index": 2 * (right - left) / (right + left), "native_per_mni_volume": scale}
        | {"least_jacobian": made.least_jacobian}
        | sided(latents.flat(), side)
        | {f"push_{name}": value for name, value in sided(made.pushes, side).items()}
    )


def sidecar(site: scan.Site, voxel_mm: float) -> dict[str, Any]:
    """The BIDS sidecar of a simulated scan."""
    return {
        "Modality": "MR",
        "Manufacturer": "simulated",
        "InstitutionName": site.name,
        "SkullStripped": True,
        "ImageComments": f"simulated by tlesynth at {voxel_mm:g} mm; no person was scanned",
    }


def scan_path(out: Path, participant_id: str) -> Path:
    """Where a raw scan lies."""
    return Path(out) / participant_id / "anat" / f"{participant_id}_T1w.nii.gz"


def truth_path(out: Path, participant_id: str) -> Path:
    """Where one subject's truth lies until, and after, the table is made."""
    return Path(out) / TRUTH / participant_id / f"{participant_id}_truth.json"


def is_finished(out: Path, participant_id: str) -> bool:
    """Whether a subject's scan and truth both stand."""
    return truth_path(out, participant_id).is_file() and scan_path(out, participant_id).is_file()


def finish_truth(out: Path, ids: Iterable[str]) -> pd.DataFrame:
    """Gather the subjects' truths into truth.tsv, one row each."""
    table = pd.DataFrame([durable.read_json(truth_path(out, participant_id)) for participant_id in ids])
    durable.write_table(Path(out) / TRUTH / "truth.tsv", table)
    about = "What was planted, by construction; for evaluation only, never for training."
    cohort.write_dataset_description(Path(out) / TRUTH, "tlesynth truth", "derivative", about, license="CC0")
    return table


def claim(out: Path, identity: dict[str, Any]) -> None:
    """Write down what ``out`` holds, or refuse it: another simulation (CFG-010), or other people's files (CFG-005)."""
    out = Path(out)
    path = out / TRUTH / "simulation.json"
    durable.require_own(out, own=path.is_file(), otherwise=", and no simulation made what it holds")
    if path.is_file() and durable.read_json(path) != identity:
        raise fail("CFG-010", out, "it holds a cohort simulated with other settings or another seed")
    durable.write_json(path, identity)


def as_planted(settings: Simulate) -> dict[str, Any]:
    """The settings as JSON, the severity scale as the number it stands for. Raises as ``severity_scale`` does."""
    return settings.model_dump(mode="json") | {"severity_scale": severity_scale(settings)}


def _lost(assignment: subjects.Assignment) -> None:
    raise fail("RES-020", assignment.participant_id, "the process that simulated it was killed twice")


def drawn_truth(settings: Simulate, seed: int) -> pd.DataFrame:
    """The truth table of a cohort as drawn, without deforming or scanning anybody: what the whole design says.

    One row a subject: the assignment, the latents, and native and MNI volumes in mm3. The scanned cohort's hippocampi,
    amygdalae and thalami are these to 0.1 %; its temporal horns only on average, since random anatomy moves
    them too.
    """
    sites = [scan.draw_site(number, settings, seed) for number in range(settings.sites)]
    template = template_volumes()
    rows = []
    for who in subjects.design(settings, seed):
        site = sites[who.site]
        latents = subjects.draw(who, settings, seed, shifts=(site.severity_shift, site.volume_shift))
        ratios = latents.ratio | {
            f"temporal_horn_{where}": float(np.exp(subjects.HORN_GAIN * push))
            * latents.ratio[f"hippocampus_{where}"] ** subjects.HORN_DRAG
            for where, push in latents.horn_push.items()
        }
        scale = latents.icv_ml / scan.TEMPLATE_BRAIN_ML
        mni = sided({name: template[name] * ratio for name, ratio in ratios.items()}, who.side)
        volumes = {f"{name}_mni_mm3": v for name, v in mni.items()}
        volumes |= {f"{name}_native_mm3": v * scale for name, v in mni.items()}
        rows.append(vars(who) | {"site": site.name} | volumes | sided(latents.flat(), who.side))
    return pd.DataFrame(rows).set_index("participant_id", drop=False)
