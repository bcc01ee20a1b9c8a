from pathlib import Path

import numpy as np

from tlesynth.reader_study.channels import CUES, FORMAT, HEADER, facts, pixels, ranks
from tlesynth.reader_study.create import Made
from tlesynth.reader_study.study import item_path


def test_every_item_of_a_study_tells_the_same_of_itself(made: Made) -> None:
    known = [facts(item_path(made.folder, item)) for item in made.study.items]
    assert all(fact == known[0] for fact in known) and known[0]["kind of name"] == "random"


def test_a_changed_byte_of_the_header_is_another_header(copied: Path, made: Made) -> None:
    one, two = (item_path(copied, item) for item in list(made.study.items)[:2])
    data = bytearray(two.read_bytes())
    data[HEADER - 4] ^= 1
    two.write_bytes(data)
    assert facts(one)["header"] != facts(two)["header"] and facts(one)["size"] == facts(two)["size"]


def test_names_and_inodes_are_ranked(made: Made) -> None:
    items = sorted(made.study.items)
    found = ranks(made.folder, items)
    assert (found[:, 0] == np.arange(len(items))).all() and sorted(found[:, 1]) == list(range(len(items)))


def test_figures_of_a_known_image(made: Made, copied: Path) -> None:
    path = item_path(copied, next(iter(made.study.items)))
    voxels = np.zeros(made.study.shape, np.uint8)
    voxels[10:20, 10:20, 10:20] = 100
    voxels[12, 12, 12:14] = 255
    voxels[15, 15, 15] = 1
    voxels[0, 5, 5] = 7
    path.write_bytes(path.read_bytes()[:HEADER] + voxels.tobytes(order="F"))
    shape, cues = pixels(path)
    assert shape == [1, 5, 1 / 1001, 2 / 1001]
    named = dict(zip([c.name for c in CUES], cues, strict=True))
    assert named["size of the brain"] == 1001 and abs(named["hardness of the edge"] - 1) < 0.02
    assert len(shape) + 2 == len(FORMAT)
