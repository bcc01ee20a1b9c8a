"""Who is trained on, who chooses, who judges."""

from __future__ import annotations

from pydantic import model_validator

from tlesynth.recipe.section import Fraction, Section


class Split(Section):
    """Shares of participants; the paper's are 80 / 7.4 / 12.6."""

    gen_train: Fraction = 0.80
    val: Fraction = 0.074
    test: Fraction = 0.126
    audit_holdout: Fraction = 0.0
    stratify: tuple[str, ...] = ("group", "site", "hs")
    given: str | None = None
    """A table (TSV or CSV: participant_id, split) to be checked and used as it is; the shares then play no part."""
    leave_one_site_out: str | None = None
    """The site that is the test set; the other sites share gen_train, val and audit_holdout."""
    patients: str | None = None
    """A table (participant_id, patient_id) where one patient has several ids; a patient's ids stay in one split."""

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Split:
        total = self.gen_train + self.val + self.test + self.audit_holdout
        if abs(total - 1) > 1e-6:
            raise ValueError(f"gen_train + val + test + audit_holdout is {total:.4f}, not 1")
        if min(self.gen_train, self.val, self.test) <= 0:
            raise ValueError("gen_train, val and test must each be above 0")
        if self.given and self.leave_one_site_out:
            raise ValueError("a given split leaves no site out: set either given or leave_one_site_out")
        return self
