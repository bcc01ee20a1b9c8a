"""Both phases run, resume to the same bits, and leave a model."""

from pathlib import Path

import pytest
import torch

from tlesynth import durable, interruption, recipe
from tlesynth.autoencoder.scans import Scans
from tlesynth.autoencoder.train import latent_statistics, segments_of, train_autoencoder
from tlesynth.errors import TlesynthError


def test_the_papers_schedule_is_a_list_of_turns() -> None:
    segments = segments_of(recipe.Autoencoder(), steps_per_epoch=10)
    assert len(segments) == 1 + 2 * 65
    assert (segments[0].learner, segments[0].steps) == ("reconstruction", 1000)
    assert [(s.learner, s.steps) for s in segments[1:3]] == [("discriminator", 20), ("finetuning", 20)]
    assert {(s.stop_metric, s.stop_below) for s in segments if s.learner == "finetuning"} == {("adversarial", 0.1)}
    assert len({s.phase for s in segments[2:]}) == 1 and segments[1].phase != segments[2].phase


def test_both_phases_run_and_leave_a_model(run: Path) -> None:
    done = durable.read_json(run / "done.json")
    assert [turn["name"] for turn in done["turns"]] == [
        "reconstruction",
        "discriminator 1",
        "autoencoder 1",
        "discriminator 2",
        "autoencoder 2",
    ]
    assert done["phase"] == "adversarial" and done["best_step"] > 4
    assert {"score", "l1", "kl", "perceptual", "adversarial", "paper_sum"} <= set(done["validation"])
    figures = done["validation"]
    score = figures["l1"] + 0.6 * figures["perceptual"] + 1e-6 * figures["kl"]
    assert figures["score"] == pytest.approx(score, rel=1e-4)
    assert figures["paper_sum"] == pytest.approx(score + 0.02 * figures["adversarial"], rel=1e-4)


def test_a_stopped_run_resumes_to_the_same_bits(
    cohort: tuple[Path, Path],
    run: Path,
    settings: recipe.Autoencoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def trained(cohort: tuple[Path, Path], out: Path) -> None:
        train_autoencoder(*cohort, out, settings, seed=1, device="cpu", precision="32-true")

    polled = iter([False] * 5 + [True] * 10)
    monkeypatch.setattr(interruption, "requested", lambda: next(polled))
    with pytest.raises(TlesynthError, match="OPS-075"):
        trained(cohort, tmp_path / "again")
    assert not (tmp_path / "again" / "model").exists()
    monkeypatch.undo()
    trained(cohort, tmp_path / "again")
    ours, theirs = (durable.read_json(out / "model" / "config.json") for out in (tmp_path / "again", run))
    assert ours["fingerprint"] == theirs["fingerprint"]
    before = (run / "model" / "manifest.json").stat().st_mtime_ns
    trained(cohort, run)
    assert (run / "model" / "manifest.json").stat().st_mtime_ns == before


def test_other_settings_are_refused(cohort: tuple[Path, Path], run: Path, settings: recipe.Autoencoder) -> None:
    other = settings.model_copy(update={"kl": 1e-3})
    with pytest.raises(TlesynthError, match=r"CFG-010.*autoencoder\.kl"):
        train_autoencoder(*cohort, run, other, seed=1, device="cpu", precision="32-true")


def test_a_channel_that_never_changes_is_refused() -> None:
    class Constant(torch.nn.Module):
        settings = recipe.AutoencoderNetwork(channels=(4, 8, 8), norm_groups=2)

        def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.ones(1, 4, 2, 2, 2), torch.zeros(1, 4, 2, 2, 2)

    scans = Scans(torch.zeros(2, 8, 8, 8, dtype=torch.float16), ("a", "b"))
    with pytest.raises(TlesynthError, match="NUM-001"):
        latent_statistics(Constant(), scans, torch.device("cpu"))  # ty: ignore[invalid-argument-type]
