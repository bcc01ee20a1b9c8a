"""A failed autoencoder is refused unless the recipe accepts it; one that was never judged is let in aloud."""

from pathlib import Path

import pytest

from tlesynth.diffusion.admission import admit
from tlesynth.errors import MODEL, TlesynthError


def gate(verdict: str, *loosened: str) -> dict:
    reasons = ["PSNR of the whole volume is 21.0 dB, wanted at least 25.0 dB"] if verdict == "failed" else []
    return {"gate": {"verdict": verdict, "reasons": reasons, "loosened": list(loosened)}}


def test_a_failed_gate_is_refused_with_its_figure_and_a_way_on() -> None:
    with pytest.raises(TlesynthError, match=r"MOD-005.*latents.*21.0 dB.*accept_failed_gate: true") as caught:
        admit(gate("failed"), Path("latents"), accept_failed_gate=False)
    assert caught.value.exit_status == MODEL == 5
    assert "older version" in str(caught.value) and "--set autoencoder.gate.l1=0.08" in str(caught.value)
    told = gate("failed")
    told["gate"]["figures"] = {}
    with pytest.raises(TlesynthError) as caught:
        admit(told, Path("latents"), accept_failed_gate=False)
    assert "older version" not in str(caught.value)


def test_the_recipe_may_accept_it_and_that_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert admit(gate("failed"), Path("latents"), accept_failed_gate=True) == "failed, accepted by the recipe"
    assert "21.0 dB" in capsys.readouterr().err


def test_what_passed_is_let_in_and_looser_limits_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert admit(gate("passed"), Path("latents"), accept_failed_gate=False) == "passed"
    assert capsys.readouterr().err == ""
    assert admit(gate("passed", "l1", "psnr"), Path("latents"), accept_failed_gate=False) == "passed"
    assert "looser limits: l1, psnr" in capsys.readouterr().err


@pytest.mark.parametrize("about", [{}, {"gate": None}, gate("not judged")])
def test_what_was_never_judged_is_let_in_aloud(about: dict, capsys: pytest.CaptureFixture[str]) -> None:
    assert admit(about, Path("latents"), accept_failed_gate=False) == "not judged"
    assert "never judged" in capsys.readouterr().err
