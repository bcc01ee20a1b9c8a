"""Figures of the augmentation study: differences of AUC to the rival, and the learning curve over real scans."""

from __future__ import annotations

from typing import Any

from tlesynth.report.pictures import Picture, Theme, chart, reach

CHOSEN = "chosen"
WORDS = {
    "real": "real only",
    "classical": "real + classical augmentation",
    "duplicated": "real, each scan twice",
    "reconstructed": "real + autoencoder reconstructions",
    "synthetic": "synthetic only",
    "shuffled": "real + synthetic, labels shuffled",
    "permuted": "real, labels shuffled",
    "more-real": "real + more real",
    CHOSEN: "real + synthetic, ratio chosen on validation",
}
CURVE, RATIO = "real-n", "real+"
Json = dict[str, Any]


def words_of(arm: str) -> str:
    """An arm as the page names it."""
    if arm.startswith(CURVE):
        return f"{arm.removeprefix(CURVE)} real scans"
    return WORDS.get(arm) or f"real + synthetic 1:{arm.removeprefix(RATIO)}"


def ordered(arms: list[str]) -> list[str]:
    """The declared arm first, then its ratios, then the others as the ledger has them; the learning curve apart."""
    kept = [arm for arm in arms if not arm.startswith(CURVE)]
    return sorted(kept, key=lambda arm: (arm != CHOSEN, not arm.startswith(RATIO)))


def forest(part: Json) -> Picture | None:
    """Each arm's AUC minus the rival's, with its interval; the declared comparison stands on top, filled."""
    against = part["against_rival"]
    arms = [arm for arm in ordered(list(against)) if "value" in against[arm]["auc_roc"]]
    if not arms:
        return None

    def draw(axes: Any, theme: Theme) -> None:
        axes.axvline(0, color=theme.muted, linewidth=1)
        for place, arm in enumerate(reversed(arms)):
            found = against[arm]["auc_roc"]
            declared = arm == CHOSEN
            axes.errorbar(
                found["value"],
                place,
                xerr=reach(found["value"], found["low"], found["high"]),
                fmt="D" if declared else "o",
                color=theme.synthetic if arm.startswith(RATIO) or declared else theme.real,
                markersize=7 if declared else 5,
                markerfacecolor=None if declared else "none",
                capsize=3,
                elinewidth=1.8 if declared else 1.2,
            )
        axes.set_yticks(range(len(arms)), [words_of(arm) for arm in reversed(arms)])
        axes.set_ylim(-0.6, len(arms) - 0.4)
        axes.set_xlabel(f"AUC minus that of {words_of(part['rival'])}")
        axes.grid(axis="y", visible=False)

    told = "; ".join(_told(words_of(arm), against[arm]["auc_roc"]) for arm in arms)
    alt = f"Difference of AUC to {words_of(part['rival'])}, with intervals. {told}."
    return chart(draw, alt, size=(6.4, 0.9 + 0.34 * len(arms)))


def learning_curve(part: Json) -> Picture | None:
    """AUC against the number of real training scans, with the arms that add synthetic ones beside it."""
    points = [p for p in part["learning_curve"] if "value" in p["auc_roc"]]
    if len(points) < 2:
        return None
    added = part["arms"][CHOSEN]["figures"]["auc_roc"]

    def draw(axes: Any, theme: Theme) -> None:
        scans = [p["scans"] for p in points]
        middle, low, high = ([p["auc_roc"][key] for p in points] for key in ("value", "low", "high"))
        axes.fill_between(scans, low, high, color=theme.real, alpha=0.15, linewidth=0)
        axes.plot(scans, middle, "o-", color=theme.real, label="real scans alone")
        if "value" in added:
            axes.errorbar(
                scans[-1] * 1.06,
                added["value"],
                reach(added["value"], added["low"], added["high"]),
                fmt="D",
                capsize=3,
                color=theme.synthetic,
                label="and synthetic",
            )
        axes.axhline(0.5, color=theme.muted, linestyle=(0, (3, 3)), linewidth=0.8)
        axes.set(xlabel="real training scans", ylabel="AUC on test", xscale="log")
        axes.set_xticks(scans, [str(n) for n in scans], minor=False)
        axes.set_xticks([], minor=True)
        axes.legend(loc="best")

    told = "; ".join(_told(f"{p['scans']} scans", p["auc_roc"]) for p in points)
    return chart(draw, f"AUC on test by the number of real training scans: {told}.", size=(4.6, 3.2))


def _told(name: str, found: Json) -> str:
    return f"{name}: {found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
