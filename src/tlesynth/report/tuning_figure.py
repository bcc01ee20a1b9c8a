"""The curves of a sweep over sampling steps and guidance scales, as a picture beside its table."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from PIL import Image

from tlesynth import durable
from tlesynth.report.pictures import Picture, Theme, chart


def tuning_picture(found: dict[str, Any]) -> Picture:
    """Energy distance to the validation latents against steps, a line for each guidance scale; ``found`` is tuned.json.

    Bars are standard errors of the difference to the best. Pairs that gave nothing finite are left out.
    """
    pairs, best = [pair for pair in found["pairs"] if pair["distance"] is not None], found["chosen"]
    scales = sorted({pair["guidance"] for pair in pairs})

    def draw(axes: Any, theme: Theme) -> None:
        for scale, colour in zip(scales, theme.series * (len(scales) // len(theme.series) + 1), strict=False):
            line = sorted((p["steps"], p["distance"], p["error"]) for p in pairs if p["guidance"] == scale)
            axes.errorbar(*zip(*line, strict=True), fmt="o-", markersize=3, color=colour, label=f"guidance {scale:g}")
        axes.axhline(found["floor"], color=theme.muted, linestyle=(0, (3, 3)), linewidth=1, label="training scans")
        axes.plot(best["steps"], best["distance"], "o", markersize=9, fillstyle="none", color=theme.ink, label="chosen")
        axes.set(xlabel="sampling steps", ylabel="energy distance to validation latents", xscale="log")
        steps = sorted({pair["steps"] for pair in pairs})
        axes.set_xticks(steps, [str(step) for step in steps], minor=False)
        axes.set_xticks([], minor=True)
        axes.legend()

    words = f"{best['steps']} steps at guidance {best['guidance']:g} were chosen, distance {best['distance']:.3g}"
    floor = f"that of training scans {found['floor']:.3g}"
    alt = f"Energy distance to the validation latents by steps and guidance; {words}, {floor}."
    return chart(draw, alt, size=(5.4, 3.6))


def write_curves(found: dict[str, Any], path: Path) -> Path:
    """Write the picture as WebP on white paper; return where it lies."""
    _, _, encoded = tuning_picture(found).light.partition("base64,")
    drawn = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    paper, file = Image.new("RGBA", drawn.size, "white"), io.BytesIO()
    Image.alpha_composite(paper, drawn).convert("RGB").save(file, "WEBP", lossless=True)
    durable.write_bytes(path, file.getvalue())
    return path
