"""Power of synthetic over real scans by spatial frequency: where it falls, the scans are blurred."""

from __future__ import annotations

from typing import Any

from tlesynth.report.pictures import Picture, Theme, chart

STYLES = {"hc": ("controls", "-"), "tle": ("TLE", (0, (4, 2)))}


def spectrum(groups: dict[str, dict[str, dict[str, Any]]]) -> Picture:
    """The ratio (dB) by band, with its interval, and its floor: training scans over the same held-out scans.

    ``groups`` has for each group its bands (``0.000 to 0.031``, cycles per voxel), each with ``value`` and ``floor``.
    """

    def draw(axes: Any, theme: Theme) -> None:
        for group, bands in groups.items():
            words, line = STYLES.get(group, (group, "-"))
            middles = [middle(band) for band in bands]
            for part, colour, kind in (("value", theme.synthetic, "synthetic"), ("floor", theme.real, "real")):
                value, low, high = ([b[part][end] for b in bands.values()] for end in ("value", "low", "high"))
                axes.plot(middles, value, color=colour, linewidth=1.4, linestyle=line, label=f"{kind} {words}")
                axes.fill_between(middles, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.axhline(0, color=theme.muted, linewidth=0.8, zorder=1)
        axes.set(xlabel="cycles per voxel", ylabel="power over held-out real scans, dB")
        axes.legend(loc="lower left")

    told = "; ".join(
        f"{STYLES.get(g, (g,))[0]} from {bands[first]['value']['value']:+.1f} dB at the lowest "
        f"to {bands[last]['value']['value']:+.1f} dB at the highest band"
        for g, bands in groups.items()
        for first, *_, last in [list(bands)]
    )
    return chart(draw, f"Power spectrum of synthetic over real scans: {told}.", size=(4.6, 3.2))


def middle(band: str) -> float:
    """The middle of a band that is written ``0.125 to 0.156``."""
    low, _, high = band.partition(" to ")
    return (float(low) + float(high)) / 2
