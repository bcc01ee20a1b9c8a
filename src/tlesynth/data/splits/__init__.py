"""Who may be learned from and who judges: gen_train, val, test and audit_holdout."""

from tlesynth.data.splits.assignment import SPLITS, apportion, assign, digest_of, read_splits
from tlesynth.data.splits.making import make_splits
from tlesynth.data.splits.sites import leave_one_site_out

__all__ = ["SPLITS", "apportion", "assign", "digest_of", "leave_one_site_out", "make_splits", "read_splits"]
