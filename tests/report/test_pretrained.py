"""The page of a run whose pretrained networks were there: their figures as the evaluation makes them, on a stand-in."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tlesynth import durable
from tlesynth.evaluation import inception, inception_sections
from tlesynth.evaluation.sections import Intervals
from tlesynth.evaluation.slices import PLANES
from tlesynth.recipe import Evaluation
from tlesynth.report.page import render

from .conftest import GROUPS, interval
from .reading import Reader, bare_numbers, numbers_are_those_of_their_sources, words_are_those_of_their_sources

HOW = Intervals(Evaluation(bootstrap=100), 1)
WEIGHTS = {"file": "inception-v3.safetensors", "sha256": "0123456789abcdef" * 4}


def described(n: int) -> dict[str, inception_sections.Described]:
    """Features of ``n`` scans a set, of a network with three; the synthetic ones lie apart."""
    rng = np.random.default_rng(6)

    def features(mean: float) -> inception.Features:
        return {plane: rng.normal(mean, 1, (n, 2, 3)).astype(np.float32) for plane in (*PLANES, inception.ALL)}

    return {group: inception_sections.Described(features(0.7), features(0), features(0)) for group in GROUPS}


def page_of(finished: Path, run: Path, n: int) -> str:
    """The page of the finished run with what Inception and LPIPS say of ``n`` scans a set."""
    found: dict[str, Any] = json.loads((finished / "evaluation/results.json").read_text())
    features = described(n)
    found["fid"] = inception_sections.papers_fid(features, HOW)
    found["generation"]["inception"] = inception_sections.by_plane(features, HOW)
    for name in ("lpips", "lpips_squeeze"):
        planes = {plane: interval(0.0171, 0.002, 4) for plane in PLANES}
        found["reconstruction"][name] = interval(0.0171, 0.002, 4) | {"weights": WEIGHTS, "planes": planes}
    found["reconstruction"]["fid"] = interval(0.41, 0.1, 8) | {"weights": WEIGHTS}
    durable.write_json(run / "evaluation/results.json", found)
    for name in ("recipe.yaml", "splits.tsv"):
        shutil.copy(finished / name, run / name)
    return render(run)


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inception_sections.weights, "provenance", lambda _: WEIGHTS)


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", page.replace("&nbsp;", " ")).split())


@pytest.mark.usefixtures("weights")
def test_a_distance_stands_with_its_n_hash_floor_ratio_and_caveat(finished_run: Path, tmp_path: Path) -> None:
    page = page_of(finished_run, tmp_path, 100)
    seen = Reader(page)
    numbers_are_those_of_their_sources(tmp_path, seen)
    words_are_those_of_their_sources(tmp_path, seen)
    assert bare_numbers(page) == []
    printed = {source.partition("#")[2] for source, *_ in seen.values}
    for plane in PLANES:
        for group in GROUPS:
            at = f"/generation/inception/{plane}/{group}"
            assert {f"{at}/fid/{k}" for k in ("n_real", "n_synthetic", "ratio", "floor/value")} <= printed
            assert {f"{at}/fid/infinity/low", f"{at}/kid/n_real", f"{at}/kid/value/subsets/se"} <= printed
            assert f"/generation/inception/{plane}/own_minus_cross/{group}/value" in printed
        assert f"/generation/inception/{plane}/cross/hc_to_tle/value" in printed
        assert {f"/reconstruction/lpips{kind}/planes/{plane}/value" for kind in ("", "_squeeze")} <= printed
    assert {"/fid/hc/n_synthetic", "/fid/tle/ratio", "/fid/weights/sha256", "/fid/caveat"} <= printed
    assert inception_sections.CAVEAT in words_of(page) and inception_sections.DESCRIPTIVE in words_of(page)
    assert words_of(page).count("SHA-256 0123456789ab…") == 3
    assert "100 to 100 real" in words_of(page)


@pytest.mark.usefixtures("weights")
def test_few_scans_have_a_kid_and_the_reason_for_no_fid(finished_run: Path, tmp_path: Path) -> None:
    page = page_of(finished_run, tmp_path, 12)
    shown = words_of(page[: page.index('id="gaps"')])
    assert shown.count("not computed: 12 scans in the smallest set") == 1, "said once, not in every row"
    assert inception_sections.DESCRIPTIVE not in words_of(page)


def test_no_figure_of_the_evaluation_is_left_out(report: str) -> None:
    printed = {source.partition("#")[2] for source, *_ in Reader(report).values}
    wanted = {
        "/reconstruction/hippocampus_bias/mean/value",
        "/reconstruction/hippocampus_bias/agreement/value",
        "/disease/distributions/hc/hippocampus_left/kolmogorov_smirnov/p",
        "/disease/side_correlation/tle-left/amygdala/real/value",
        "/disease/side_correlation/tle-right/temporal_horn/difference/low",
        "/classification/volumetry/real/auc_roc/value",
        "/classification/volumetry/synthetic/n_train",
        "/generation/radiomic/kid/hc/value/subsets/mean",
        "/generation/radiomic/kid/cross/tle_to_hc/value",
        "/generation/internal/frechet/cross/hc_to_tle/value",
        "/generation/internal/frechet/tle/ratio",
    }
    assert wanted <= printed, wanted - printed
