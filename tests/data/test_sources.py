"""The real data sets' tables and file lists, with empty files for scans: every count that is known beforehand.

Where TLESYNTH_DATA is not set, the look-alikes at the end hold the same traps.
"""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tlesynth.data.sources.bids import Survey, survey
from tlesynth.data.sources.inspection import inspect
from tlesynth.recipe import Labels

WITHOUT_T1 = ("28982", "31231", "31323", "32756", "34548", "34926", "35495", "36207")
PATIENTS = (
    "ID,Sex,Binned_Onset_Age,Op_Side,Op_Type,Pathology,OP MEMO,Binned_Age_at_Scan\r\n"
    "1,M,Less than 1,R,T Lx,HS,NA,20 to 24\r\n"
    '2,F,Over 40,L,T Lesx,DNT,"GR 1; gene, IDH1",Over 40\r\n'
    "3,F,5 to 7,L,T P Lx,DUAL,HS; scar,15 to 20\r\n"
    "209,F,8 to 10,R,F Lx,CAV,made up,30 to 34\r\n"
    "209,F,8 to 10,R,F Lx,CAV,made up,30 to 34\r\n"
    "326,M,1 to 2,L,Hx,OTHER,made up,55 to 59\r\n"
    "327,M,1 to 2,L,O P Lx,OTHER,NA,55 to 59\r\n"
)


def data() -> Path:
    root = os.environ.get("TLESYNTH_DATA")
    if not root:
        pytest.skip("TLESYNTH_DATA is not set: no real tables here")
    return Path(root)


def rebuilt(source: Path, target: Path) -> Path:
    """A data set from its tables and file list, its scans empty."""
    for file in source.glob("*.*"):
        if file.suffix in (".tsv", ".json"):
            shutil.copy(file, target / file.name)
    for name in (source / "FILELIST.txt").read_text().split():
        if name.startswith("sub-") and "/anat/" in name:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).touch()
    return target


def counts(found: Survey, field: str, group: str = "tle") -> dict[str | None, int]:
    return dict(Counter(getattr(scan, field) for scan in found.scans if scan.group == group))


def test_ds004469_has_35_controls_and_31_of_its_39_patients(tmp_path: Path) -> None:
    root = rebuilt(data() / "metadata/ds004469_TLE_UNAM", tmp_path)
    labels = Labels.model_validate("ds004469")
    found = survey(root, labels)
    assert Counter(scan.group for scan in found.scans) == {"hc": 35, "tle": 31}
    assert tuple(skipped.participant_id for skipped in found.skipped) == tuple(f"sub-{i}" for i in WITHOUT_T1)
    assert {skipped.why for skipped in found.skipped} == {"it has no T1-weighted scan"}
    assert counts(found, "side") == {"left": 19, "right": 12}
    assert counts(found, "hs") == {"yes": 17, "no": 14}
    assert counts(found, "sex", "hc") == {"F": 26, "M": 9}
    assert all(scan.age is not None for scan in found.scans)
    assert (found.undeclared, found.private, found.choices, found.notes) == ((), (), (), ())
    assert inspect(root, Labels(), headers=False).proposals[0].startswith("this looks like ds004469")


def test_ds004469_tables_alone_have_39_patients_and_empty_scans_are_no_scans(tmp_path: Path) -> None:
    source = data() / "metadata/ds004469_TLE_UNAM"
    labels = Labels.model_validate("ds004469")
    assert inspect(source, labels).notes == ("its tables list 74 participants: hc 35, tle 39",)
    found = inspect(rebuilt(source, tmp_path), labels)
    assert not found.usable
    assert [(row.code, len(row.participants)) for row in found.excluded] == [("NII-001", 66), ("DATA-006", 8)]


def test_ideas_tells_its_groups_by_the_ids_where_the_clinical_table_is_missing(tmp_path: Path) -> None:
    root = rebuilt(data() / "metadata/ds005602_IDEAS", tmp_path)
    found = survey(root, Labels.model_validate("ideas"))
    assert Counter(scan.group for scan in found.scans) == {"tle": 442, "hc": 100}
    assert found.skipped == ()
    (root / "Metadata_Release_Anon.csv").write_text(PATIENTS, newline="")
    told = survey(root, Labels.model_validate("ideas"))
    assert Counter(scan.group for scan in told.scans) == {"tle": 3, "hc": 100}
    assert len(told.skipped) == 439


def test_ds002748_gives_its_controls_only_and_awkward_headers_are_noted() -> None:
    root = data() / "ds002748"
    labels = Labels.model_validate("ds002748")
    assert {skipped.why for skipped in survey(root, labels).skipped} == {"depression, not epilepsy (group 'depr')"}
    plumbing = Labels.model_validate({"like": "ds002748", "tle": ["depr"], "ignore": {}})
    found = inspect(root, plumbing)
    assert sum(found.groups.values()) == 29
    assert found.excluded == ()
    assert found.headers is not None
    assert found.headers.steepest < 20
    assert found.headers.notes["sform and qform differ; the sform is used"] >= 2


def test_ixi_is_124_healthy_heads_stored_from_the_back() -> None:
    root = data() / "ixi-2mm"
    for labels in (Labels(), Labels.model_validate("ixi")):
        found = inspect(root, labels)
        assert found.groups == {"hc": 124, "tle": 0}
        assert found.headers is not None
        assert found.headers.orientations == {"PSR": 124}
    assert "there are no patients here" in found.warnings[0]


def test_a_look_alike_of_ideas_reads_like_it(tmp_path: Path) -> None:
    for name in ("1", "2", "3", "5", "209", "326", "327", "4001"):
        (tmp_path / f"sub-{name}/anat").mkdir(parents=True)
        (tmp_path / f"sub-{name}/anat/sub-{name}_T1w.nii.gz").touch()
    (tmp_path / "Metadata_Release_Anon.csv").write_text(PATIENTS, newline="")
    (tmp_path / "Metadata_Controls_Release.csv").write_text("ID,Sex,Binned_Age_at_Scan\n4001,F,25 to 29\n")
    found = survey(tmp_path, Labels.model_validate("ideas"))
    told = [(s.participant_id, s.group, s.side, s.hs, s.age, s.sex) for s in found.scans]
    assert told == [
        ("sub-1", "tle", "right", "yes", 22, "M"),
        ("sub-2", "tle", "left", "no", 40, "F"),
        ("sub-3", "tle", "left", None, 17.5, "F"),
        ("sub-4001", "hc", None, None, 27, "F"),
    ]
    assert {skipped.participant_id: skipped.why for skipped in found.skipped} == {
        "sub-209": "operated in the frontal lobe (Op_Type 'F Lx')",
        "sub-326": "hemispheric operation (Op_Type 'Hx')",
        "sub-327": "operated in the occipital lobe (Op_Type 'O P Lx')",
        "sub-5": "it has no row in Metadata_Release_Anon.csv, Metadata_Controls_Release.csv",
    }
    assert found.notes[-1] == "rows that say the same: sub-209 (lines 5, 6)"
    assert found.undeclared == ()


def test_a_look_alike_of_ds004469_reads_like_it(tmp_path: Path) -> None:
    (tmp_path / "participants.tsv").write_text(
        "participant_id\tGroup\thasMTS\tTLEside\tage\tgender\tTreatements\tL.hipp Volume\n"
        "sub-001\tHealthy\t0\tHealthy\t25\tF\tn/a\t0.26\nsub-002\tPatient\t1\tLeft-TLE\t31\tM\tn/a\t0.2\n"
        "sub-003\tPatient\t0\tBi-TLE\t31\tM\tn/a\t0.2\nsub-004\tPatient\t0\tUnknown-TLE\tn/a\tF\tn/a\t0.2\n"
    )
    for name in ("001", "002", "003"):
        (tmp_path / f"sub-{name}/anat").mkdir(parents=True)
        (tmp_path / f"sub-{name}/anat/sub-{name}_T1w.nii.gz").touch()
    found = survey(tmp_path, Labels.model_validate("ds004469"))
    assert [(s.group, s.side, s.hs) for s in found.scans] == [
        ("hc", None, None),
        ("tle", "left", "yes"),
        ("tle", None, "no"),
    ]
    assert found.undeclared == ()
    assert [skipped.participant_id for skipped in found.skipped] == ["sub-004"]
