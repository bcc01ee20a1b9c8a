"""Requests made from the OpenAPI description: whatever is sent, the server answers and never breaks."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded

from tlesynth.reader_study import links
from tlesynth.reader_study.serving.app import house_of, study_app
from tlesynth.reader_study.serving.house import House
from tlesynth.reader_study.web.server import Address

schemathesis = pytest.importorskip("schemathesis")
FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)


@pytest.fixture(scope="module")
def served(written: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = Path(shutil.copytree(written, tmp_path_factory.mktemp("described") / "study"))
    return house_of(folder, Address(names=("localhost", "testserver")))


@pytest.mark.end_to_end
@pytest.mark.parametrize("who", ["reader-1", links.ADMINISTRATOR], ids=["reader", "administrator"])
def test_no_request_breaks_the_server(served: House, who: str) -> None:
    app = study_app(served, documented=True)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    statuses: set[int] = set()
    for operation in schema.get_all_operations():
        case_of = operation.ok()

        @seeded(25)
        @FEW
        @given(case_of.as_strategy())
        def ask(case: object) -> None:
            session = links.enter(served.database, links.issue(served.database, who, served.door.lifetimes))[1]
            reply = case.call(cookies={served.door.cookie: session})
            statuses.add(reply.status_code)
            assert reply.status_code < 500

        ask()
    assert {200, 422} <= statuses
