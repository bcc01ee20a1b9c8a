"""The ledger: every arm's figures with intervals, its difference to the rival, and the verdict of the declared one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tlesynth.augment_study import wording
from tlesynth.augment_study.arms import CHOSEN, CURVE, MORE, REAL
from tlesynth.augment_study.comparing import Arm, arm_figures, arm_of, compare, interval
from tlesynth.augment_study.consistency import consistency
from tlesynth.augment_study.controls import controls
from tlesynth.augment_study.decisions import decisions
from tlesynth.augment_study.exchange import curve_of, exchange
from tlesynth.augment_study.plan import Design
from tlesynth.augment_study.resampling import Draws, draw
from tlesynth.augment_study.sites import by_site
from tlesynth.augment_study.subgroups import subgroups
from tlesynth.augment_study.verdicts import Subjects, Verdicts, subjects_of, verdicts_of
from tlesynth.metrics.paired import detectable, holm
from tlesynth.metrics.statistics import Floats, Json, Resampling, not_computed, rounded
from tlesynth.progress import bar
from tlesynth.seeds import generator


@dataclass(frozen=True, eq=False)
class Tables:
    """Verdicts on test and on synthetic scans (``verdicts.COLUMNS``), and what is known of the people in each."""

    test: pd.DataFrame
    made: pd.DataFrame
    people: pd.DataFrame
    made_people: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Bench:
    """Everything the figures of one network need: its arms (``chosen`` among them), subjects, draws."""

    network: str
    arms: dict[str, Arm]
    rival: str
    subjects: Subjects
    draws: Draws
    how: Resampling
    n_real: int
    n_pool: int
    """Scans that each split's test scans were drawn from."""
    declared: bool
    """Whether its ``chosen`` against the rival is the comparison that decides."""


def build(plan: Json, design: Design, choices: Json, tables: Tables) -> Json:
    """The whole ledger from the plan, the choices and the tables."""
    found: Json = {
        "about": _about(plan, design, tables),
        "primary": {},
        "networks": {},
        "not_run": plan["not_run"],
        "words": {"verdict": wording.WORDS, "meaning": wording.MEANING},
    }
    for network in design.networks:
        bench = _bench(network, plan, design, choices, tables)
        found["networks"][network] = _network(bench, plan, design, choices, tables)
    first = found["networks"][design.networks[0]]
    found["primary"] = plan["primary"] | {key: first[key] for key in ("verdict", "chosen", "rival")}
    return found


def as_table(found: Json) -> pd.DataFrame:
    """The ledger's figures as one row for each network, arm and figure, with the difference to the rival."""
    rows = []
    for network, part in found["networks"].items():
        for arm, told in part["arms"].items():
            against = part["against_rival"].get(arm, {})
            for name, value in told["figures"].items():
                row = {"network": network, "arm": arm, "figure": name} | _flat(value, "")
                if name in against:
                    row |= _flat(against[name], "difference_")
                if name == "auc_roc" and against:
                    row |= {"bootstrap_p": against["bootstrap_p"], "holm_p": against.get("holm_p")}
                rows.append(row)
    return pd.DataFrame(rows)


def _flat(value: Json, prefix: str) -> Json:
    if "value" not in value:
        return {f"{prefix}not_computed": value.get("not_computed")} if not prefix else {}
    return {f"{prefix}{key}": value[key] for key in ("value", "low", "high")} | ({} if prefix else {"n": value["n"]})


def _about(plan: Json, design: Design, tables: Tables) -> Json:
    own = tables.test[~tables.test["split"].isin([s.name for s in design.sites])]
    truth = own.groupby("participant_id")["truth"].first()
    return {
        "plan": plan["hash"],
        "declared_at": plan["declared_at"],
        "trainings": plan["trainings"],
        "seeds": design.settings.seeds,
        "splits": len(design.splits),
        "judges": design.settings.judges,
        "steps": plan["steps"],
        "real_scans": plan["inputs"]["real_scans"],
        "synthetic_scans": plan["inputs"]["synthetic_scans"],
        "val_scans": len(design.splits[0].val),
        "test_scans": len(design.splits[0].test),
        "judged": {"scans": len(truth), "positive": int(truth.sum()), "negative": int((truth == 0).sum())},
        "task": plan["classifier"]["task"],
        "confidence": plan["primary"]["confidence"],
        "bootstrap": plan["bootstrap"],
    }


def _bench(network: str, plan: Json, design: Design, choices: Json, tables: Tables) -> Bench:
    """Figures of every arm of a network on the repeated splits; sites are held apart."""
    how = _how(plan, network, "arms")
    own = [split.name for split in design.splits]
    rows = tables.test[(tables.test["network"] == network) & tables.test["split"].isin(own)]
    subjects = subjects_of(rows, tables.people)
    draws = draw(subjects, zip(rows["split"], rows["seed"], strict=True), how)
    verdicts = {str(arm): verdicts_of(part, subjects) for arm, part in rows.groupby("arm")}
    verdicts[CHOSEN] = chosen_verdicts(verdicts, choices[network])
    arms: dict[str, Arm] = {}
    with bar(f"figures of {network}", len(verdicts)) as shown:
        for name in (*design.arms_of(network), CHOSEN):
            arms[name] = arm_of(verdicts[name], subjects, draws)
            shown.advance()
    pool = len(design.splits[0].val) + len(design.splits[0].test)
    real, rival = plan["inputs"]["real_scans"], design.rival_of(network)
    return Bench(network, arms, rival, subjects, draws, how, real, pool, network == design.networks[0])


def chosen_verdicts(verdicts: dict[str, tuple[Verdicts, ...]], choice: Json) -> tuple[Verdicts, ...]:
    """The trainings of the ratio that validation chose in each split."""
    return tuple(v for split, told in choice.items() for v in verdicts.get(told["arm"], ()) if v.split == split)


def _network(bench: Bench, plan: Json, design: Design, choices: Json, tables: Tables) -> Json:
    how, n = bench.how, len(bench.subjects)
    arms = {name: {"figures": arm_figures(arm, n, how)} for name, arm in bench.arms.items()}
    against, against_real = _comparisons(bench, plan["primary"]["power"])
    three = {REAL: bench.arms[REAL], "rival": bench.arms[bench.rival], CHOSEN: bench.arms[CHOSEN]}
    gain = against[CHOSEN]
    gain["smallest_gain"] = _scans_for(gain["power"]["error"], plan["primary"], n)
    return {
        "rival": bench.rival,
        "chosen": {split: told["arm"] for split, told in choices[bench.network].items() if split in _own(design)},
        "verdict": wording.verdict(
            gain["auc_roc"], arms[bench.rival]["figures"]["auc_roc"], plan["primary"]["smallest_gain"]
        ),
        "arms": arms,
        "against_rival": against,
        "against_real": against_real,
        "controls": controls(bench.arms, n, how),
        "learning_curve": curve_of(_curve(bench), n, how),
        "exchange": _exchange(bench, design, choices),
        "subgroups": subgroups(
            {name: arm.verdicts for name, arm in three.items()},
            bench.subjects,
            bench.draws,
            _how(plan, bench.network, "subgroups"),
            least=design.settings.least_in_subgroup,
            untouched=set(plan["inputs"]["own_test"]),
        ),
        "sites": by_site(
            tables.test, bench.network, bench.rival, design, choices, tables.people, _how(plan, bench.network, "sites")
        )
        | {"left_out": plan["inputs"]["no_site"]},
        "consistency": _consistency(bench, tables, arms[REAL]["figures"], _how(plan, bench.network, "consistency")),
        "decisions": decisions(
            {name: bench.arms[name].verdicts for name in dict.fromkeys((REAL, bench.rival, CHOSEN))},
            bench.subjects,
            bench.draws,
            how,
        ),
    }


def _comparisons(bench: Bench, power: float) -> tuple[Json, Json]:
    """Every arm against the rival and, where that is another, ``chosen`` against real scans alone.

    The declared comparison stands alone, and the learning curve compares with nothing; Holm corrects all others.
    """

    def compared(name: str, base: str) -> Json:
        one, other = bench.arms[name], bench.arms[base]
        return compare(one, other, bench.subjects, bench.how, n_pool=bench.n_pool, power=power)

    against = {name: compared(name, bench.rival) for name in bench.arms if name != bench.rival}
    against_real = {CHOSEN: compared(CHOSEN, REAL)} if bench.rival != REAL else {}
    alone = {CHOSEN} if bench.declared else set()
    many = {("rival", a): t for a, t in against.items() if a not in alone and not a.startswith(CURVE)}
    many |= {("real", a): t for a, t in against_real.items()}
    for key, p in holm({key: told["bootstrap_p"] for key, told in many.items()}).items():
        many[key]["holm_p"] = p
    return against, against_real


def _consistency(bench: Bench, tables: Tables, real: Json, how: Resampling) -> Json:
    rows = tables.made[tables.made["network"] == bench.network]
    if rows.empty:
        return not_computed("no synthetic scan was judged")
    scans = subjects_of(rows, tables.made_people)
    return consistency(verdicts_of(rows, scans), scans, real, how)


def _curve(bench: Bench) -> dict[int, Floats]:
    """AUC draws by number of real training scans."""
    found = {int(a.removeprefix(CURVE)): arm.drawn["auc_roc"] for a, arm in bench.arms.items() if a.startswith(CURVE)}
    return found | {bench.n_real: bench.arms[REAL].drawn["auc_roc"]}


def _exchange(bench: Bench, design: Design, choices: Json) -> Json:
    """Against real scans alone: how many more of them the chosen ratio is worth, and what really adding some does."""
    gain = bench.arms[CHOSEN].drawn["auc_roc"] - bench.arms[REAL].drawn["auc_roc"]
    ratios = [
        float(told["arm"].removeprefix("real+")) for s, told in choices[bench.network].items() if s in _own(design)
    ]
    found = exchange(_curve(bench), gain, bench.n_real, rounded(bench.n_real * float(np.mean(ratios))), bench.how)
    if MORE in bench.arms:
        more = bench.arms[MORE].drawn["auc_roc"] - bench.arms[REAL].drawn["auc_roc"]
        found = found | {"more_real": interval(more, len(bench.subjects), bench.how)}
    return found


def _scans_for(error: float, primary: Json, n: int) -> Json:
    """How many judged scans would show the smallest gain worth having, if the error falls with their square root."""
    least = detectable(error, primary["confidence"], primary["power"])
    return {"gain": primary["smallest_gain"], "scans": round(n * (least / primary["smallest_gain"]) ** 2)}


def _own(design: Design) -> set[str]:
    return {split.name for split in design.splits}


def _how(plan: Json, *purpose: str) -> Resampling:
    """Draws of their own for each purpose, so that one part more changes no other."""
    rng = generator(plan["seed"], "augment study", *purpose)
    return Resampling(plan["bootstrap"], plan["primary"]["confidence"], rng)
