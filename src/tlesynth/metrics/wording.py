"""Figures as a person reads them, on pages and in messages alike."""

from __future__ import annotations


def number(value: float | None, unit: str = "") -> str:
    """A figure in words: shares in percent, decibels with one digit, counts whole, the rest to three digits."""
    if value is None:
        return "n/a"
    if unit == "%":
        return f"{100 * value:.1f} %"
    if unit == "dB":
        return f"{value:.1f} dB"
    words = str(value) if isinstance(value, int) else f"{value:#.3g}"
    return f"{words} {unit}".strip()
