import pytest

from tlesynth.report.spectra import middle


@pytest.mark.parametrize(("band", "known"), [("0.000 to 0.031", 0.0155), ("0.375 to 0.500", 0.4375)])
def test_the_middle_of_a_band(band: str, known: float) -> None:
    assert middle(band) == pytest.approx(known)
