"""Who may be learned from and who judges: gen_train, val, test and audit_holdout."""

from tlesynth.data.splits.assignment import SPLITS, apportion, assign, make_splits, read_splits

__all__ = ["SPLITS", "apportion", "assign", "make_splits", "read_splits"]
