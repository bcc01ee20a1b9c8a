"""The figures that the paper prints, for the report to set beside ours. They were measured on other data."""

from __future__ import annotations

TABLE_1 = {"l1": 0.058, "lpips": 0.017, "fid": 0.33}
"""Reconstruction by the VAE-GAN, 2D slices of the validation set."""

TABLE_2 = {"hc": 87.36, "tle": 99.07}
"""FID (Inception-V3, all 2D slices) of the synthetic against the real scans of a class."""

TABLE_3 = {"synthetic_detected": (7, 24), "synthetic_classified": (19, 24)}
"""Synthetic scans that the reader found, and that the classifier trained on real scans got right: (hits, scans)."""

TABLE_4 = {
    "real": {"f1": 0.826, "precision": 0.886, "recall": 0.773, "accuracy": 0.813, "auc_roc": 0.887, "aucpr": 0.925},
    "synthetic": {
        "f1": 0.772,
        "precision": 0.847,
        "recall": 0.71,
        "accuracy": 0.760,
        "auc_roc": 0.842,
        "aucpr": 0.888,
    },
    "real+0.25": {"f1": 0.845, "precision": 0.93, "recall": 0.773, "accuracy": 0.8367, "auc_roc": 0.90, "aucpr": 0.94},
    "real+0.5": {"f1": 0.848, "precision": 0.907, "recall": 0.796, "accuracy": 0.8367, "auc_roc": 0.89, "aucpr": 0.925},
}
"""The classifier on 300 real test scans, by training set."""
