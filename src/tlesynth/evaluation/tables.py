"""The paper's tables 1, 2 and 4 from our results, as TSV with the paper's own figures beside them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tlesynth.evaluation import paper
from tlesynth.metrics.statistics import Json

COLUMNS = ("value", "low", "high", "n", "paper", "not_computed")


def table_1(results: Json) -> pd.DataFrame:
    """Reconstruction: l1 (whole volume), lpips and fid."""
    section = results["reconstruction"]
    found = {"l1": section.get("whole", {}).get("l1"), "lpips": section.get("lpips"), "fid": section.get("fid")}
    rows = [{"metric": name} | _cells(found[name] or section, paper.TABLE_1[name]) for name in paper.TABLE_1]
    return pd.DataFrame(rows, columns=["metric", *COLUMNS])


def table_2(results: Json) -> pd.DataFrame:
    """Synthetic against real scans per class: Inception FID, and the radiomic Frechet distance beside its floor."""
    rows = []
    for name in paper.TABLE_2:
        for metric, printed in (("fid", paper.TABLE_2[name]), ("frechet", None)):
            section = results[metric]
            found = section.get(name, section)
            for part in ("value", "floor"):
                figure = found.get(part, found)
                rows.append(
                    {"class": name, "metric": metric, "compared": "synthetic" if part == "value" else "real"}
                    | _cells(figure, printed if part == "value" else None)
                    | {"caveat": section.get("caveat")}
                )
    return pd.DataFrame(rows, columns=["class", "metric", "compared", *COLUMNS, "caveat"])


def table_4(results: Json) -> pd.DataFrame:
    """The classifier on the real test scans, a row per training set and metric."""
    section, rows = results["classification"], []
    for arm, printed in paper.TABLE_4.items():
        found = section.get("arms", {}).get(arm, section if "not_computed" in section else None)
        if found is None:
            continue
        counts = found.get("n_train", {})
        for metric, value in printed.items():
            row = {"train": arm, "train_real": counts.get("real"), "train_synthetic": counts.get("synthetic")}
            rows.append(row | {"metric": metric} | _cells(found.get(metric, found), value))
    return pd.DataFrame(rows, columns=["train", "train_real", "train_synthetic", "metric", *COLUMNS])


def frechet_table(results: Json) -> pd.DataFrame:
    """Every radiomic Frechet distance: what was compared with what."""
    section, rows = results["frechet"], []
    for name in ("hc", "tle"):
        for part, kind in (("value", "synthetic"), ("floor", "real")):
            figure = section.get(name, section).get(part, section)
            rows.append({"compared": f"{kind} {name}", "reference": f"real {name}"} | _cells(figure, None))
    for label, figure in section.get("cross", {}).items():
        first, second = label.split("_to_")
        rows.append({"compared": f"synthetic {first}", "reference": f"real {second}"} | _cells(figure, None))
    columns = [c for c in COLUMNS if c != "paper"]
    return pd.DataFrame(rows, columns=["compared", "reference", *columns])


def _cells(figure: Json, printed: float | None) -> dict[str, Any]:
    cells = {name: figure.get(name) for name in ("value", "low", "high", "n", "not_computed")}
    return cells | {"paper": printed}
