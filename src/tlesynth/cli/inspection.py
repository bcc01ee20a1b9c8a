"""``doctor`` looks at the machine, ``show`` at one file."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer

from tlesynth.errors import RESOURCE

NEEDED_GB = 8.0


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    topic: str
    state: str
    """ok, note or fault"""
    detail: str
    fix: str = ""


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Check versions, torch and torchvision, the GPU and its driver, the disk and the pretrained weights."""
    findings = [_packages(), *_torch(), _disk(), *_weights()]
    if as_json:
        typer.echo(json.dumps([asdict(f) for f in findings]))
    else:
        for finding in findings:
            mark = {"ok": "ok   ", "note": "note ", "fault": "FAULT"}[finding.state]
            typer.echo(f"{mark}  {finding.topic:<22} {finding.detail}")
            if finding.fix:
                typer.echo(f"       {'':<22} -> {finding.fix}")
    if any(f.state == "fault" for f in findings):
        raise typer.Exit(RESOURCE)


def _packages() -> Finding:
    names = ("tlesynth", "torch", "torchvision", "diffusers", "timm", "antspyx", "nibabel", "nilearn", "scipy")
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    missing = [name for name, number in found.items() if number == "missing"]
    detail = " ".join(f"{name} {number}" for name, number in found.items())
    return Finding("packages", "fault" if missing else "ok", detail, "run: make install" if missing else "")


def _torch() -> list[Finding]:
    try:
        import torch
        import torchvision

        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
        match = Finding("torch and torchvision", "ok", "they belong together (a compiled operator ran)")
    except Exception as error:
        text = str(error).splitlines()[0]
        return [
            Finding("torch and torchvision", "fault", f"they do not match: {text}", "install with uv (make install)")
        ]
    return [match, Finding("threads", "ok", f"{torch.get_num_threads()} for torch"), _cuda()]


def _cuda() -> Finding:
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        memory = properties.total_memory / 2**30
        return Finding("GPU", "ok", f"{properties.name}, {memory:.0f} GiB, CUDA {torch.version.cuda}")
    if Path("/dev/nvidia0").exists() or Path("/proc/driver/nvidia/version").exists():
        fix = f"torch was built for CUDA {torch.version.cuda}: update the driver, or install a torch for your driver"
        return Finding("GPU", "fault", f"there is an NVIDIA device, but torch cannot use it (driver {_driver()})", fix)
    return Finding("GPU", "note", "none: everything runs on the processor; use the demo or tiny recipe")


def _driver() -> str:
    path = Path("/proc/driver/nvidia/version")
    words = path.read_text().split() if path.is_file() else []
    return next((w for w in words if w[0].isdigit() and "." in w), "unknown")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    low = free < NEEDED_GB
    return Finding("disk", "fault" if low else "ok", f"{free:.0f} GB free here", "free some space" if low else "")


def _weights() -> list[Finding]:
    from tlesynth import weights

    present = set(weights.available())
    findings = []
    for name in weights.NAMES:
        if name in present:
            findings.append(Finding(f"weights {name}", "ok", "present"))
        else:
            fix = f"where there is a network: tlesynth weights fetch {name}"
            findings.append(
                Finding(f"weights {name}", "note", "missing; its metrics are reported as not computed", fix)
            )
    return findings


def show(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A NIfTI volume.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print a volume's shape, spacing, orientation, codes and range."""
    facts = describe(path)
    if as_json:
        typer.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        typer.echo(f"{name:<12} {value}")


def describe(path: Path) -> dict[str, Any]:
    """What ``show`` prints; the file is read as strictly as everywhere."""
    import nibabel as nib
    import numpy as np

    from tlesynth.volume import GRIDS, read
    from tlesynth.volume.reading import read_header

    header = read_header(path)
    volume = read(path, least_values=1)
    on = [
        grid.name
        for grid in GRIDS.values()
        if grid.shape == volume.voxels.shape and np.allclose(grid.affine, volume.affine, atol=1e-3)
    ]
    stored = header.get_best_affine()
    voxels = volume.voxels
    return {
        "file": path.name,
        "shape": " x ".join(str(int(n)) for n in header.get_data_shape()[:3]),
        "spacing": " x ".join(f"{s:.3g}" for s in np.sqrt((stored[:3, :3] ** 2).sum(axis=0))) + " mm",
        "orientation": "".join(nib.orientations.aff2axcodes(stored)) + (", oblique" if _oblique(stored) else ""),
        "codes": f"sform {int(header['sform_code'])}, qform {int(header['qform_code'])}",
        "type": str(header.get_data_dtype()),
        "range": f"{voxels.min():.4g} to {voxels.max():.4g}",
        "zero": f"{100 * (voxels == 0).mean():.1f} % of the voxels",
        "grid": on[0] if on else "not a tlesynth grid",
        "says": bytes(header["descrip"].tobytes()).split(b"\0")[0].decode("ascii", "replace"),
        "notes": "; ".join(volume.notes) or "none",
    }


def _oblique(affine: Any) -> bool:
    from nibabel.affines import obliquity

    return bool(obliquity(affine).max() > 0.01)
