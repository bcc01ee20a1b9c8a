"""Figures read as people write them, wherever they stand."""

from tlesynth.metrics.wording import number


def test_figures_of_the_verdict() -> None:
    assert (number(0.0213, "%"), number(24.96, "dB"), number(0.1, ""), number(1, "")) == (
        "2.1 %",
        "25.0 dB",
        "0.100",
        "1",
    )


def test_figures_of_the_page() -> None:
    assert (number(0.275, "%"), number(24.96, "dB"), number(0.0612), number(None), number(1.5, "nats")) == (
        "27.5 %",
        "25.0 dB",
        "0.0612",
        "n/a",
        "1.50 nats",
    )
