import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlesynth.report.answers import answers
from tlesynth.report.sources import Files


@pytest.fixture
def answer(tmp_path: Path, finished_run: Path) -> Callable[..., Any]:
    base = json.loads((finished_run / "evaluation" / "results.json").read_text())

    def ask(key: str, change: Callable[[dict[str, Any]], Any]) -> Any:
        found = copy.deepcopy(base)
        change(found)
        (tmp_path / "evaluation").mkdir(exist_ok=True)
        (tmp_path / "evaluation" / "results.json").write_text(json.dumps(found))
        return {a.key: a for a in answers(Files(tmp_path))}[key]

    return ask


def _interval(value: float, half: float, n: int = 24) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half, "n": n}


@pytest.mark.parametrize(
    ("hc", "tle", "verdict"), [(1.1, 2.9, "Close to real"), (2.0, 3.1, "One group only"), (8.0, 9.0, "Not yet")]
)
def test_realistic(answer: Callable[..., Any], hc: float, tle: float, verdict: str) -> None:
    def change(found: dict[str, Any]) -> None:
        found["frechet"]["hc"]["ratio"], found["frechet"]["tle"]["ratio"] = hc, tle

    assert answer("realistic", change).verdict == verdict


@pytest.mark.parametrize(
    ("real", "synthetic", "verdict"),
    [
        ((1.6, 0.5), (1.4, 0.5), "Yes"),
        ((1.6, 0.5), (0.6, 0.3), "Yes, but weaker"),
        ((1.0, 0.3), (2.5, 0.5), "Yes, but overdone"),
        ((1.6, 0.5), (0.2, 0.5), "Not shown"),
        ((1.6, 0.5), (-1.2, 0.5), "Reversed"),
        ((0.2, 0.5), (1.2, 0.5), "Cannot tell"),
    ],
)
def test_disease(
    answer: Callable[..., Any], real: tuple[float, float], synthetic: tuple[float, float], verdict: str
) -> None:
    def change(found: dict[str, Any]) -> None:
        found["morphometry"]["effect_size"] |= {"real": _interval(*real), "synthetic": _interval(*synthetic)}

    assert answer("disease", change).verdict == verdict


@pytest.mark.parametrize(
    ("synthetic", "verdict"), [(0.84, "As diverse as real"), (0.90, "Too alike"), (0.70, "More varied than real")]
)
def test_diverse(answer: Callable[..., Any], synthetic: float, verdict: str) -> None:
    def change(found: dict[str, Any]) -> None:
        for group in ("hc", "tle"):
            found["diversity"][group] = {"synthetic": _interval(synthetic, 0.01), "real": _interval(0.83, 0.01)}

    assert answer("diverse", change).verdict == verdict


@pytest.mark.parametrize(
    ("real", "change", "verdict"),
    [
        ((0.7, 0.05), (0.06, 0.05), "Yes"),
        ((0.7, 0.05), (0.02, 0.05), "No detectable gain"),
        ((0.9, 0.05), (-0.2, 0.05), "They harm"),
        ((0.55, 0.1), (0.3, 0.05), "Cannot tell"),
    ],
)
def test_useful(
    answer: Callable[..., Any], real: tuple[float, float], change: tuple[float, float], verdict: str
) -> None:
    def replace(found: dict[str, Any]) -> None:
        section = found["classification"]
        section["arms"]["real"]["auc_roc"] = _interval(*real)
        for arm in ("real+0.25", "real+0.5"):
            section["against_real"][arm]["auc_difference"] = _interval(*change)

    found = answer("useful", replace)
    assert found.verdict == verdict
    assert "few test scans" in found.meaning


@pytest.mark.parametrize("key", ["realistic", "disease", "diverse", "useful"])
def test_without_numbers_the_answer_is_not_made_up(answer: Callable[..., Any], key: str) -> None:
    found = answer(key, lambda results: results.clear())
    assert (found.tone, found.verdict) == ("unknown", "Not computed")
    assert found.measures
