"""The figures behind each light: where they stand in results.json and what the recipe asks of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tlesynth.data.cohort import GROUPS
from tlesynth.evaluation.verdict.figure import Compared, Figure, Word, minus, times
from tlesynth.evaluation.verdict.rule import Limits, at_least, at_most, within
from tlesynth.evaluation.verdict.study import at_sites, gains, rival_in
from tlesynth.metrics.statistics import Json, not_computed
from tlesynth.privacy.gate import PLAIN
from tlesynth.recipe import Verdict

WORDS = {"hc": "controls", "tle": "patients"}
OTHERS = ("shifted", "intensity", "warped", "flipped", "blended")
"""Planted copies that are harder to see."""


@dataclass(frozen=True)
class Asked:
    """The limits of a verdict: the recipe's own, and the two that stand elsewhere in it."""

    verdict: Verdict
    equivalence_margin: float
    most_copies: float
    study: Json
    """The ledger of the augmentation study, or why there is none to ask."""


Figures: TypeAlias = list[Figure | Word]


def figures_of(asked: Asked) -> dict[str, Figures]:
    """The figures of every light, those that decide it and those that stand beside."""
    return {name: figures(asked) for name, figures in _EVIDENCE.items()}


def _reconstruction(asked: Asked) -> Figures:
    source, limits = "/reconstruction/hippocampus_bias/mean", within(asked.verdict.hippocampus_bias)
    return [Figure("hippocampal volume after the autoencoder, error in percent", source, limits)]


def _fidelity(asked: Asked) -> Figures:
    def distance(what: str, at: str, *, beside: bool = False, how: Compared = times) -> Figure:
        sets = tuple(f"{at}/{n}" for n in ("n_real", "n_synthetic"))
        return Figure(what, f"{at}/value", at_most(asked.verdict.distance_ratio), f"{at}/floor", how, sets, beside)

    found: Figures = []
    for g in GROUPS:
        found += [
            distance(
                f"distance of synthetic from real {WORDS[g]}, in times that of real ones from each other (Frechet, "
                "internal encoder)",
                f"/generation/internal/frechet/{g}",
            ),
            distance(f"the same by radiomic figures, {WORDS[g]}", f"/frechet/{g}", beside=True),
            distance(f"KID of {WORDS[g]}, likewise", f"/generation/internal/kid/{g}", beside=True, how=times_known),
            distance(f"FID of {WORDS[g]}, coronal, likewise", f"/generation/inception/coronal/{g}/fid", beside=True),
        ]
    return found


def times_known(value: Json, floor: Json) -> Json:
    """``value`` in floors, where the floor's interval lies above 0: the KID of two sets of one kind is about 0."""
    return times(value, floor) if floor["low"] > 0 else not_computed("the floor cannot be told from 0")


def _coverage(asked: Asked) -> Figures:
    at = "/generation/internal/overlap/{}"
    return [
        Figure(
            f"share of real {WORDS[g]} with a synthetic neighbour, in times the share with another real one",
            at.format(g) + "/coverage/value",
            at_least(asked.verdict.coverage),
            at.format(g) + "/coverage/real",
            times,
            tuple(f"{at.format(g)}/{n}" for n in ("n_real", "n_synthetic")),
        )
        for g in GROUPS
    ]


def _diversity(asked: Asked) -> Figures:
    return [
        Figure(
            f"likeness of pairs of {WORDS[g]} (MS-SSIM), synthetic minus real",
            f"/diversity/{g}/difference",
            within(asked.verdict.similarity),
            f"/diversity/{g}/real",
            sets=tuple(f"/diversity/{g}/{kind}/n" for kind in ("real", "synthetic")),
        )
        for g in GROUPS
    ]


def _spread(asked: Asked) -> Figures:
    limits = Limits(asked.verdict.deviation_ratio)
    measures = [("hc", "hippocampus_left"), ("hc", "hippocampus_right"), ("tle", "hippocampus_total")]
    return [
        Figure(
            f"spread of the {name.replace('hippocampus_', '')} hippocampal volume of {WORDS[g]}, synthetic over real",
            f"/disease/distributions/{g}/{name}/deviation_ratio",
            limits,
            sets=tuple(f"/disease/distributions/{g}/{name}/{kind}/n" for kind in ("real", "synthetic")),
        )
        for g, name in measures
    ]


def _effects(asked: Asked) -> Figures:
    at, sizes = "/disease/effects/tle/hippocampus_asymmetry_abs", "/disease/distributions/{}/{}/n"
    kinds = ("real", "synthetic")
    sets = [sizes.format(s, kind) for s in ("hc/hippocampus_left", "tle/hippocampus_total") for kind in kinds]
    limits = within(asked.equivalence_margin, asked.verdict.effect_difference)
    what = "effect of the disease on hippocampal asymmetry (Hedges' g), synthetic minus real"
    return [Figure(what, f"{at}/difference", limits, f"{at}/real", sets=tuple(sets))]


def _one_sided(asked: Asked) -> Figures:
    at = "/disease/asymmetry_tails"
    what = "patients more asymmetric than 95 % of controls, share of synthetic minus share of real"
    sets = (f"{at}/real/n", f"{at}/synthetic/n")
    return [Figure(what, f"{at}/difference", within(asked.verdict.asymmetric_patients), f"{at}/real", sets=sets)]


def _conditioning(asked: Asked) -> Figures:
    made, real = (f"/disease/conditioning/side/{kind}/auc" for kind in ("synthetic", "real"))
    lost = at_least(-asked.verdict.side_auc_lost)
    return [
        Figure("asked side told from the measured asymmetry (AUC)", made, at_least(asked.verdict.side_auc), real),
        Figure("the same, synthetic minus real patients", made, lost, real, minus),
    ]


def _classifier(asked: Asked) -> Figures:
    made, real = "/classification/synthetic_by_real/auc_roc", "/classification/arms/real/auc_roc"
    sets = tuple(f"/classification/{where}/{g}" for where in ("synthetic_by_real", "test") for g in GROUPS)
    what = "AUC of the classifier trained on real scans, on synthetic minus on real test scans"
    return [Figure(what, made, within(asked.verdict.classifier_auc), real, minus, sets)]


def _audit(asked: Asked) -> Figures:
    at, limits = "/privacy/copies/planted_recall", at_least(asked.verdict.planted_recall)
    return [
        Figure(f"planted copies found, {kind}", f"{at}/{kind}", limits, beside=kind in OTHERS)
        for kind in (*PLAIN, *OTHERS)
    ]


def _copies(asked: Asked) -> Figures:
    near, limits = "/privacy/nearest/{}", at_most(asked.verdict.nearer_to_training)
    spaces = {"voxel": "voxels", "latent": "latents", "embedding": "radiomic figures"}
    return [
        Word("the gate of sample", "/privacy/copies/gate"),
        Figure(
            "synthetic scans that look like copies",
            "/privacy/copies/share",
            at_most(asked.most_copies),
            "/privacy/copies/false_alarms",
        ),
        *(
            Figure(
                f"synthetic scans nearer to training than to held-out scans (0.5 is chance), by {words}",
                near.format(space) + "/share",
                limits,
                sets=(near.format(space) + "/share/n", near.format(space) + "/compared_with"),
            )
            for space, words in spaces.items()
        ),
    ]


def _membership(asked: Asked) -> Figures:
    at, found = "/privacy/membership/{}", []
    for model in ("denoiser", "autoencoder"):
        sets = tuple(f"{at.format(model)}/{n}" for n in ("trained", "held_out"))
        auc, caught = at_most(asked.verdict.membership_auc), at_most(asked.verdict.membership_caught)
        found += [
            Figure(f"training scans told by the {model}'s error (AUC)", at.format(model) + "/auc", auc, sets=sets),
            Figure(
                f"training scans told by the {model} at 1 % of false alarms",
                at.format(model) + "/tpr_at_1_percent",
                caught,
                sets=sets,
                beside=True,
            ),
        ]
    return found


def _usefulness(asked: Asked) -> Figures:
    """The declared comparison of the augmentation study; without one, what the run's own classifiers show."""
    if rival_in(asked.study):
        return list(gains(asked.study))
    sets = tuple(f"/classification/test/{g}" for g in GROUPS)
    real = "/classification/arms/real/auc_roc"
    arms = sorted({"real+0.25", "real+0.5"} - {asked.verdict.mixture})
    return [
        Figure(
            f"change of the AUC on real test scans with {arm}, of one training each",
            f"/classification/against_real/{arm}/auc_difference",
            at_least(0.0),
            real,
            sets=sets,
            beside=arm != asked.verdict.mixture,
            otherwise=not_computed(f"no classifier of {arm} was judged", "tlesynth train classifier"),
        )
        for arm in (asked.verdict.mixture, *arms)
    ]


def _unseen_sites(asked: Asked) -> Figures:
    return list(at_sites(asked.study, asked.verdict.site_loss))


_EVIDENCE: dict[str, Callable[[Asked], Figures]] = {
    "reconstruction": _reconstruction,
    "fidelity": _fidelity,
    "coverage": _coverage,
    "diversity": _diversity,
    "spread": _spread,
    "effects": _effects,
    "one_sided": _one_sided,
    "conditioning": _conditioning,
    "classifier": _classifier,
    "audit": _audit,
    "copies": _copies,
    "membership": _membership,
    "usefulness": _usefulness,
    "unseen_sites": _unseen_sites,
}
