from pathlib import Path

from tlesynth.report.figures import Figures
from tlesynth.report.measured_figures import Drawn, draw
from tlesynth.report.sources import Files


def test_every_scan_outside_training_is_drawn_in_its_group(drawn: Figures) -> None:
    found = drawn.measured
    assert found.asymmetry and found.volumes
    for picture in (found.asymmetry, found.volumes):
        assert "TLE left synthetic: 4 scans" in picture.alt and "controls real: 4 scans" in picture.alt
    assert "controls real: 4 scans, mean +3.5 cm³" in found.volumes.alt


def test_effects_and_spectra_tell_their_numbers(drawn: Figures) -> None:
    found = drawn.measured
    assert found.effects and found.spectrum
    assert "TLE: hippocampus, |asymmetry|: real +1.62, synthetic +0.71" in found.effects.alt
    assert "TLE right: hippocampus, left: real +1.62" in found.effects.alt
    assert "controls from +0.4 dB at the lowest to -15.7 dB at the highest band" in found.spectrum.alt


def test_a_run_that_was_not_evaluated_has_none(tmp_path: Path) -> None:
    assert draw(Files(tmp_path)) == Drawn()
