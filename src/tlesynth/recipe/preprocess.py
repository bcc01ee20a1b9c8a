"""From native scans to volumes on the grid."""

from __future__ import annotations

import shlex
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tlesynth.recipe.quality import QualityLimits
from tlesynth.recipe.section import Fraction, Section
from tlesynth.recipe.sharing import Sharing


class Preprocess(Section):
    """From native scans to skull-stripped volumes on the MNI grid."""

    source: Literal["t1w", "cat12"] = "t1w"
    """``t1w``: native scans are prepared here; ``cat12``: volumes that CAT12 or SPM has normalised are taken over."""
    import_kind: Literal["t1", "gm", "smoothed-gm"] = "t1"
    """Which of CAT12's files: wm* (T1), mwp1* (modulated grey matter) or s*mwp1* (the same, smoothed)."""
    grid: Literal["mni-1.5mm", "mni-3mm"] = "mni-1.5mm"
    denoise: Literal["none", "nlm"] = "none"
    """``nlm``: adaptive non-local means before everything else; noise is also what a generator should learn."""
    brain_mask: Literal["auto", "extracted", "template", "given", "command"] = "auto"
    """``auto``: the given mask if there is one, else what is not zero where the background is, else the template-prior
    mask. ``command`` runs ``brain_mask_command``."""
    brain_mask_command: str = ""
    """A program that masks one scan, such as ``mri_synthstrip -i {input} -m {mask}``; {output} is a stripped scan."""
    n4: bool = True
    n4_twice: bool = False
    """Also correct the whole head before its brain is looked for; for coils whose field is strong."""
    n4_shrink: Annotated[int, Field(ge=1, le=8)] = 4
    registration_mm: Annotated[float, Field(ge=1, le=6)] = 2.0
    """Voxel size on which the registrations run; the resampling reads the full scan."""
    mode: Literal["affine", "nonlinear"] = "affine"
    """``nonlinear`` warps the T1 onto the template, as the paper did; that takes most of the atrophy out of it."""
    tissue: Literal["none", "atropos"] = "none"
    """``atropos`` also writes grey matter, white matter and CSF maps."""
    vbm: bool = False
    """Also write modulated grey matter, plain and smoothed (needs ``tissue: atropos``)."""
    vbm_fwhm_mm: Annotated[float, Field(ge=0, le=20)] = 10.0
    """Gaussian smoothing of the modulated grey matter; 10 is the paper's."""
    smooth_fwhm_mm: Annotated[float, Field(ge=0, le=20)] = 0.0
    """Gaussian smoothing of the final T1 (the paper's text says 10; 0 keeps the hippocampus visible)."""
    least_dice: Fraction = 0.80
    """Dice with the template's brain mask below which a scan is refused (REG-001)."""
    require_defaced: bool = False
    """Stop (PRIV-003) at a raw scan that shows a face: for sites whose scans must not leave the hospital with one."""
    subject_seconds: Annotated[float, Field(ge=0, le=86_400)] = 1800.0
    """Time limit of one subject; 0 means none."""
    jobs: Annotated[int, Field(ge=0, le=256)] = 0
    """Subjects in parallel; 0 means one per processor core."""
    sharing: Sharing = Sharing()
    """Cluster or array job; by default the processes of this machine."""
    qc: QualityLimits = QualityLimits()

    @model_validator(mode="after")
    def _steps_fit_together(self) -> Self:
        faults = [
            (self.vbm and self.tissue == "none", "vbm needs grey matter: set tissue: atropos"),
            (self.n4_twice and not self.n4, "n4_twice needs n4: true"),
            (
                self.brain_mask == "command" and not self.brain_mask_command,
                "brain_mask: command needs brain_mask_command",
            ),
            (
                self.brain_mask != "command" and bool(self.brain_mask_command),
                "brain_mask_command is only run with brain_mask: command",
            ),
            (self.source == "cat12" and self.grid != "mni-1.5mm", "source: cat12 needs grid: mni-1.5mm"),
            (
                self.source == "cat12" and (self.vbm or self.tissue != "none" or self.mode != "affine"),
                "source: cat12 registers and segments nothing: leave mode, tissue and vbm as they are",
            ),
            (self.source == "t1w" and self.import_kind != "t1", "import_kind is only read with source: cat12"),
        ]
        _check_command(self.brain_mask_command)
        if told := [why for wrong, why in faults if wrong]:
            raise ValueError("; ".join(told))
        return self


def _check_command(command: str) -> None:
    """Raise a ValueError where ``command`` cannot be split or names no place for its input or its result."""
    if not command:
        return
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"brain_mask_command: {error}") from error
    text = " ".join(words[1:])
    if "{input}" not in text or not ("{mask}" in text or "{output}" in text):
        raise ValueError("brain_mask_command must hold {input}, and {mask} or {output}")
