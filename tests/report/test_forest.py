from tlesynth.report.forest import Effect, forest


def test_a_row_more_is_a_taller_picture_and_the_numbers_stand_in_words() -> None:
    one = Effect("hippocampus", (-1.5, -2.0, -1.0), (-0.5, -0.9, 0.1))
    single, double = forest([one], "g"), forest([one, one], "g")
    assert double.height > single.height and double.width == single.width
    assert "hippocampus: real -1.50, synthetic -0.50" in single.alt
    assert single.light != single.dark
