"""What the benchmark of the evaluation concludes, from known times, splits and certificates."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

Load = Callable[[str], ModuleType]
PART = {"wall_s": 1.0, "core_s": 1.0}


def took(seconds: float, gigabytes: float = 2.0) -> dict[str, object]:
    return {
        "wall_s": seconds,
        "core_s": 2 * seconds,
        "peak_gb": gigabytes,
        "parts": {"a part": PART},
    }


def test_cost_in_proportion_is_a_line_and_meets_its_targets(part: Load) -> None:
    made = part("evaluation/cost").verdicts({n: took(10 + 3 * n) for n in (25, 50, 100)})
    assert made["fit"]["core"] == {"slope_s": 3.0, "intercept_s": 10.0, "r2": 1.0}
    assert made["doubled"]["100"]["time"] == pytest.approx(310 / 160, abs=1e-3)
    assert made["linear"] and made["minutes"] == {"value": 5.17, "most": 30.0, "met": True} and made["memory_gb"]["met"]


def test_cost_that_grows_with_the_square_is_told(part: Load) -> None:
    made = part("evaluation/cost").verdicts({n: took(n * n, 6.5) for n in (25, 50)})
    assert made["doubled"]["50"]["time"] == 4.0 and not made["linear"]
    assert not made["minutes"]["met"] and not made["memory_gb"]["met"]


def test_what_was_not_computed_is_named_once(part: Load) -> None:
    results = {"a": {"b": {"not_computed": "why"}, "c": 1}, "verdict": {"d": {"not_computed": "again"}}}
    assert part("evaluation/cost").missing_in(results) == {"/a/b": "why"}


def test_parts_of_a_cohort_keep_its_proportions_and_grow(part: Load) -> None:
    in_proportion = part("harness/enlarging").in_proportion
    table = pd.DataFrame({"group": ["hc"] * 8 + ["tle"] * 4}, index=[f"s{i}" for i in range(12)])
    six, three = in_proportion(table, ["group"], 6), in_proportion(table, ["group"], 3)
    assert table.loc[six, "group"].value_counts().to_dict() == {"hc": 4, "tle": 2}
    assert set(three) < set(six) and len(in_proportion(table, ["group"], 12)) == 12


def test_only_a_few_are_left_to_train_on_and_the_others_are_unseen(part: Load) -> None:
    names = [f"s{i}" for i in range(9)]
    people = pd.DataFrame({"group": ["hc", "tle", "tle"] * 3, "side": [None, "left", "right"] * 3}, index=names)
    splits = pd.DataFrame({"participant_id": names, "split": ["gen_train"] * 6 + ["val"] * 3})
    made = part("evaluation/gate").few_trained(splits, people, 3)
    assert made["split"].value_counts().to_dict() == {"gen_train": 3, "val": 3, "audit_holdout": 3}
    kept = people.loc[made.loc[made["split"] == "gen_train", "participant_id"]]
    assert sorted(kept["side"].fillna("")) == ["", "left", "right"]


def test_a_process_is_measured_with_its_children(part: Load) -> None:
    inner = "import time; b = bytearray(64 * 2**20); time.sleep(0.4)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}]); print('done')"
    used = part("harness/processes").measured([sys.executable, "-c", outer])
    assert used.printed == "done\n" and used.wall_s >= 0.4
    assert used.peak_gib > 70 / 1024  # the child's 64 MiB, and what both interpreters need
    with pytest.raises(RuntimeError, match="status 3"):
        part("harness/processes").measured([sys.executable, "-c", "raise SystemExit(3)"])


def test_time_is_taken_around_a_function_that_is_looked_up_where_it_is_used(
    part: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = part("evaluation/stages").Clock()
    monkeypatch.setattr("json.dumps", json.dumps)  # restored afterwards
    clock.around("writing", "json.dumps")
    assert json.dumps([1]) == "[1]" and clock.wall["writing"] > 0
    with pytest.raises(ModuleNotFoundError):
        clock.around("nothing", "no_such_module.function")


def test_the_tables(part: Load, tmp_path: Path) -> None:
    table = part("evaluation/table").table
    assert len(table(tmp_path)) == 2
    (tmp_path / "cost.json").write_text(
        json.dumps(part("evaluation/cost").verdicts({n: took(10 + 3 * n) for n in (25, 50)}))
    )
    near = {"value": 0.9, "low": 0.8, "high": 1.0}
    side = {
        "gate": {"verdict": "refused", "dropped": 7, "drawn": 8, "nearer_to_training": {"share": near}},
        "nearer": {"voxel": near, "latent": {"not_computed": "why"}},
        "membership": {"denoiser": near},
    }
    (tmp_path / "gate.json").write_text(json.dumps({"subjects": 12, "overfitted": side, "proper": side}))
    made = table(tmp_path)
    assert made[2] == "| 50 against 50 | 2.7 min |  |  | under 30 min | yes |"
    shares = "0.90 [0.80, 1.00] | 0.90 [0.80, 1.00], not computed | 0.90 [0.80, 1.00]"
    assert made[-2] == f"| overfitted on 12 | refused | 7 of 8 | {shares} |"
