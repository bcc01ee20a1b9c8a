from dataclasses import replace

from tlesynth.reader_study.create import Made
from tlesynth.reader_study.power import power_of
from tlesynth.reader_study.protocol import PROTOCOL, protocol
from tlesynth.reader_study.study import DESIGNS, QUESTIONS


def test_the_protocol_is_written_with_the_study(made: Made) -> None:
    text = (made.folder / PROTOCOL).read_text()
    assert text == protocol(made.study)
    for said in (made.study.key_sha256, made.study.question, "2 readers judges 16 scans", "held out", "CANNOT"):
        assert said in text


def test_every_design_has_its_analysis_and_what_is_not_known_is_said(made: Made) -> None:
    for design in DESIGNS:
        about = made.study.made | {"held_out": False, "power": power_of(design, 16, 2)}
        text = protocol(replace(made.study, design=design, question=QUESTIONS[design], made=about))
        assert "Primary:" in text and QUESTIONS[design] in text and "NOT known to be held out" in text
