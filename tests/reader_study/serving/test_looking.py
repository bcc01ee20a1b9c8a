"""What a reader is shown, and that nothing about it tells one item from another."""

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from tlesynth.reader_study.serving.house import House

Enter = Callable[[str | None], TestClient]
ReadOne = Callable[..., dict[str, Any]]
TELLING = ("sub-", "synth", "real", "fake", "generat", 'origin":"', "participant", "repeat", "key")


def test_every_item_has_the_same_headers_and_the_same_length(enter: Enter, read_one: ReadOne) -> None:
    client = enter("reader-1")
    scans, pictures = [], []
    while trial := client.get("/api/state").json()["current"]:
        scans.append(client.get(f"/api/trials/{trial}/items/0/scan.nii"))
        pictures.append(client.get(f"/api/trials/{trial}/items/0/coronal/30.png?low=0&high=200"))
        read_one(client)
    for replies in (scans, pictures):
        assert len(replies) == 4
        assert len({tuple(reply.headers.items()) for reply in replies}) == 1
        assert len({len(reply.content) for reply in replies}) == 1
        assert len({reply.content for reply in replies}) > 1
    assert {reply.content[:352] for reply in scans} == {scans[0].content[:352]}
    carried = scans[0].headers
    assert carried["cache-control"] == "no-store"
    assert not {"etag", "last-modified", "content-encoding", "accept-ranges", "server", "date"} & set(carried)


def test_no_range_is_served(enter: Enter, house: House) -> None:
    trial = house.lists["reader-1"][0].trial
    reply = enter("reader-1").get(f"/api/trials/{trial}/items/0/scan.nii", headers={"range": "bytes=0-1,0-2,0-3"})
    assert (reply.status_code, len(reply.content)) == (200, house.items.size)


def test_nothing_that_is_said_tells_the_truth_the_names_or_the_repeats(
    enter: Enter, read_one: ReadOne, house: House
) -> None:
    client = enter("reader-1")
    said = [client.get("/").text, client.get("/api/study").text]
    while trial := client.get("/api/state").json()["current"]:
        said += [client.get("/api/state").text, client.get(f"/api/trials/{trial}/items/0/scan.nii").headers.__repr__()]
        reply = read_one(client)
        said.append(json.dumps(reply | {"feedback": None}))
    said.append(json.dumps(client.get("/api/state").json()))
    text = "\n".join(said).lower().replace("reader", "").replace("readonly", "").replace("already", "")
    for word in TELLING:
        assert word not in text.replace("keys", "").replace("<kbd>", ""), word
    assert not any(item in text for item in house.study.items)


def test_pictures_outside_the_scan_are_not_found(enter: Enter, house: House) -> None:
    client, trial = enter("reader-1"), house.lists["reader-1"][0].trial
    base = f"/api/trials/{trial}/items/0"
    for path, status in {
        "axial/0.png": 200, "axial/55.png": 200, "axial/56.png": 404, "axial/-1.png": 404, "oblique/1.png": 404,
        "axial/x.png": 422, "axial/1.png?low=9&high=9": 404, "axial/1.png?low=-1": 422, "axial/1.png?high=256": 422,
        "axial/99999999999999999999.png": 404,
    }.items():  # fmt: skip
        assert client.get(f"{base}/{path}").status_code == status, path


def test_an_item_takes_as_long_as_any_other(house: House) -> None:
    sharp, blurred = (sorted(house.study.items)[place::2] for place in (0, 1))
    seconds: dict[str, list[float]] = {"sharp": [], "blurred": []}
    for turn in range(400):
        for name, items in (("sharp", sharp), ("blurred", blurred)):
            begin = time.perf_counter()
            house.items.content(items[turn % len(items)])
            seconds[name].append(time.perf_counter() - begin)
    assert abs(np.median(seconds["sharp"]) - np.median(seconds["blurred"])) < 1e-3
