"""How the figures of each light are computed, in a line: docs/metrics.md has the sources and the caveats."""

from __future__ import annotations

FORMULAS = {
    "reconstruction": "100 (V' / V - 1), mean over hippocampi and test scans; V and V' are the volume in a scan and in "
    "its reconstruction: the integral of the Jacobian of the template's warp onto it, over the grey matter of the tube",
    "fidelity": "|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^1/2) of the means m and covariances S of two sets' features; the "
    "floor is the same of as many real training scans, both against real scans that were not trained on",
    "coverage": "share of real scans with a synthetic one nearer than their k-th real neighbour (k = 5, or the root of "
    "n where that is less), divided by the same of real training scans",
    "diversity": "mean MS-SSIM of pairs within a group, inside the brain, synthetic minus real",
    "spread": "standard deviation of the synthetic volumes over that of the real ones",
    "effects": "Hedges' g = (mean of patients - mean of controls) / pooled standard deviation, freed of small bias, "
    "of |asymmetry| = |200 (R - L) / (R + L)|; synthetic minus real. Green asks the margin of the whole interval, the "
    "table's two one-sided tests of a narrower one (90 % where it is 95 %): amber may stand beside equivalent",
    "one_sided": "share of patients whose |asymmetry| exceeds the 95th percentile of real controls, synthetic - real",
    "conditioning": "AUC: the chance that a patient asked for the left has a higher asymmetry 200 (R - L) / (R + L) "
    "than one asked for the right",
    "classifier": "AUC: the chance that a patient gets a higher probability of TLE than a control, from a classifier "
    "that learnt from real scans alone; on synthetic minus on real test scans",
    "audit": "planted copies whose score exceeds the detector's threshold, over all that were planted of a kind",
    "copies": "scans whose score exceeds the threshold, over all; scans whose nearest of n training scans is nearer "
    "than their nearest of n other real scans, each real scan's median distance to all synthetic ones taken off; "
    "the interval is a permutation test's",
    "membership": "AUC: the chance that a training scan has a smaller error than one that was not trained on",
    "usefulness": "AUC on real test scans with synthetic scans in training, minus AUC of the rival without them, on "
    "the same scans",
    "unseen_sites": "the same, where all scans of the tested site were kept out of training",
}
