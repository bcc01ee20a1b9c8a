"""Small BIDS folders whose scans are empty files: reading a cohort never opens them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Dataset = Callable[..., Path]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """``dataset(files, name=text, ...)``: a BIDS folder with empty ``files`` and text tables."""

    def make(files: tuple[str, ...] = (), description: object = None, **tables: str | bytes) -> Path:
        given = {"Name": "x", "BIDSVersion": "1.10.0"} if description is None else description
        (tmp_path / "dataset_description.json").write_text(json.dumps(given))
        for file in files:
            name = file if "/" in file else f"sub-{file}/anat/sub-{file}_T1w.nii.gz"
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        for name, text in tables.items():
            path = tmp_path / name.replace("_tsv", ".tsv").replace("_csv", ".csv")
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return make
