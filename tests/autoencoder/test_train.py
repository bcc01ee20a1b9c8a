"""Both phases run, resume to the same bits, and leave a model."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from tlesynth import durable, interruption, recipe
from tlesynth.autoencoder import train as module
from tlesynth.autoencoder.learning import losses
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.autoencoder.scans import Scans
from tlesynth.autoencoder.train import fit_latents, latent_statistics, train_autoencoder
from tlesynth.data.cohort import CohortWriter, read_cohort
from tlesynth.errors import TlesynthError, fail
from tlesynth.locking import holding
from tlesynth.training import loop

from .conftest import GRID


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


def trained(cohort: tuple[Path, Path], out: Path, settings: recipe.Autoencoder) -> dict[str, Any]:
    """What a run of ``settings`` tells of itself, with the fingerprint of its model."""
    train_autoencoder(*cohort, out, settings, seed=1, device="cpu", precision="32-true")
    config = durable.read_json(out / "model" / "config.json")
    return durable.read_json(out / "done.json") | {"fingerprint": config["fingerprint"]}


def stopped(
    cohort: tuple[Path, Path], out: Path, settings: recipe.Autoencoder, after: int, patch: pytest.MonkeyPatch
) -> None:
    """A run that is asked to stop after some steps."""
    polled = iter([False] * after + [True] * 10)
    patch.setattr(interruption, "requested", lambda: next(polled))
    with pytest.raises(TlesynthError, match="OPS-075"):
        trained(cohort, out, settings)
    patch.undo()
    assert not (out / "model").exists()


def changed(settings: recipe.Autoencoder, second: dict[str, object], **changes: object) -> recipe.Autoencoder:
    """``settings`` with changes of its own and of its adversarial phase."""
    values = settings.model_dump()
    return recipe.Autoencoder.model_validate(
        values | changes | {"adversarial_phase": values["adversarial_phase"] | second}
    )


# Steps 1 to 3 reconstruct, 4 and 5 are the first discriminator's turn, 6 and 7 the autoencoder's, 8 and 9, 10 and 11.
@pytest.mark.parametrize("after", [2, 4, 8, 10])
def test_a_run_stopped_in_any_turn_resumes_to_the_same_bits(
    cohort: tuple[Path, Path],
    rounds: tuple[Path, recipe.Autoencoder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    whole, settings = rounds
    stopped(cohort, tmp_path / "again", settings, after, monkeypatch)
    trained(cohort, tmp_path / "again", settings)
    for name in ("done.json", "metrics.csv", "model/autoencoder.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (whole / name).read_bytes()


@pytest.fixture(scope="module")
def rounds(
    cohort: tuple[Path, Path], settings: recipe.Autoencoder, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, recipe.Autoencoder]:
    """A run of two rounds of two steps a turn, with moving averages."""
    two = changed(settings, {"discriminator_steps": 2}, ema_decay=0.5)
    out = tmp_path_factory.mktemp("rounds") / "whole"
    trained(cohort, out, two)
    return out, two


def test_a_finished_run_is_left_alone(cohort: tuple[Path, Path], run: Path, settings: recipe.Autoencoder) -> None:
    before = (run / "model" / "manifest.json").stat().st_mtime_ns
    trained(cohort, run, settings)
    assert (run / "model" / "manifest.json").stat().st_mtime_ns == before


def test_a_second_training_in_the_same_folder_is_refused(
    cohort: tuple[Path, Path], run: Path, settings: recipe.Autoencoder
) -> None:
    with holding(run), pytest.raises(TlesynthError, match="OPS-010") as caught:
        trained(cohort, run, settings)
    assert caught.value.exit_status == 8


def test_a_training_stopped_in_its_gate_repeats_no_step(
    cohort: tuple[Path, Path], run: Path, settings: recipe.Autoencoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object, **named: object) -> None:
        raise fail("OPS-075")

    monkeypatch.setattr(module, "pass_gate", stop)
    with pytest.raises(TlesynthError, match="OPS-075.*everything done so far is saved"):
        trained(cohort, tmp_path, settings)
    monkeypatch.undo()
    monkeypatch.setattr(loop, "take_step", None)
    trained(cohort, tmp_path, settings)
    for name in ("done.json", "metrics.csv", "model/autoencoder.safetensors"):
        assert (tmp_path / name).read_bytes() == (run / name).read_bytes()


def test_the_latents_are_scaled_until_a_stop_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Autoencoder(recipe.AutoencoderNetwork(channels=(4, 8, 8), norm_groups=2), GRID)
    monkeypatch.setattr(interruption, "requested", lambda: True)
    with pytest.raises(TlesynthError, match="OPS-075"):
        latent_statistics(network, Scans(torch.rand(1, *GRID.shape).half(), ("a",)), torch.device("cpu"))


def test_a_turn_ends_by_its_running_mean_or_at_its_bound(
    cohort: tuple[Path, Path], settings: recipe.Autoencoder, tmp_path: Path
) -> None:
    # A strong pull against a discriminator that stands still: the adversarial loss falls step by step.
    pull = {"rounds": 1, "autoencoder_steps": 4, "learning_rate": 3e-3, "stop_below": 1e-6}
    bound = trained(cohort, tmp_path / "bound", changed(settings, pull, adversarial=10.0))["turns"][-1]
    assert (bound["name"], bound["steps"], bound["ended_by"]) == ("autoencoder 1", 4, "bound")
    longer = pull | {"autoencoder_steps": 8, "stop_below": bound["running_adversarial"] + 1e-6}
    early = trained(cohort, tmp_path / "early", changed(settings, longer, adversarial=10.0))["turns"][-1]
    assert (early["steps"], early["ended_by"]) == (4, "running mean")
    assert early["running_adversarial"] == bound["running_adversarial"]


@pytest.mark.parametrize("loss", ["hinge", "least_squares"])
def test_the_joint_schedule_runs_and_resumes_to_the_same_bits(
    cohort: tuple[Path, Path], settings: recipe.Autoencoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    second = {"schedule": "joint", "rounds": 1, "loss": loss, "autoencoder_steps": 5, "discriminator_steps": 2}
    joint = changed(settings, second, select="paper_sum")
    whole = trained(cohort, tmp_path / "whole", joint)
    assert [(turn["name"], turn["steps"]) for turn in whole["turns"]] == [
        ("reconstruction", 3),
        ("discriminator warm-up", 2),
        ("joint", 5),
    ]
    assert whole["schedule"] == "joint" and whole["adversarial_loss"] == loss and whole["phase"] == "adversarial"
    stopped(cohort, tmp_path / "again", joint, 7, monkeypatch)
    assert trained(cohort, tmp_path / "again", joint) == whole
    table = pd.read_csv(tmp_path / "whole" / "metrics.csv")
    assert {"adversarial", "discriminator_loss", "discriminator_accuracy", "val_paper_sum"} <= set(table)


def test_both_sums_are_logged_and_keep_their_checkpoint_and_the_recipe_chooses(
    cohort: tuple[Path, Path],
    run: Path,
    rounds: tuple[Path, recipe.Autoencoder],
    settings: recipe.Autoencoder,
    tmp_path: Path,
) -> None:
    table = pd.read_csv(run / "metrics.csv")
    assert {"val_score", "val_paper_sum"} <= set(table)
    ours = durable.read_json(run / "done.json")
    for figure, name in (("score", "best"), ("paper_sum", "best-paper-sum")):
        kept = durable.read_json(run / "checkpoints" / name / "state.json")
        later = table[(table["phase"] == "adversarial") & table[f"val_{figure}"].notna()]
        assert kept["step"] == ours["best"][figure]["step"] == later["step"][later[f"val_{figure}"].idxmin()]
    assert ours["selected_by"] == "score" and ours["best_step"] == ours["best"]["score"]["step"]
    other = trained(cohort, tmp_path / "other", changed(settings, {}, select="paper_sum"))
    assert other["best"] == ours["best"] and other["best_step"] == ours["best"]["paper_sum"]["step"]
    assert "`paper_sum`" in (tmp_path / "other" / "model" / "README.md").read_text()


def test_averaged_weights_are_validated_and_saved(rounds: tuple[Path, recipe.Autoencoder]) -> None:
    folder, _ = rounds
    best = load_file(folder / "checkpoints" / "best" / "state.safetensors")
    model = load_file(folder / "model" / "autoencoder.safetensors")
    name = next(name for name in model if name.startswith("coder."))
    assert torch.equal(model[name], best[f"reconstruction/ema/{name}"])
    assert not torch.equal(model[name], best[f"reconstruction/network/{name}"])
    assert "moving average over the steps (decay 0.5)" in (folder / "model" / "README.md").read_text()


def test_a_loss_that_stays_not_finite_ends_the_run_and_names_the_cause(
    cohort: tuple[Path, Path], settings: recipe.Autoencoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, calls = losses.l1, iter(range(1000))
    monkeypatch.setattr(losses, "l1", lambda x, y: sound(x, y) * (float("nan") if next(calls) >= 1 else 1))
    with pytest.raises(TlesynthError) as caught:
        trained(cohort, tmp_path, changed(settings, {}, refused_in_a_row=2))
    error = caught.value
    assert (error.code, error.exit_status, error.where) == ("NUM-001", 7, "step 3")
    assert "the term l1 is nan (reconstruction, learning rate" in error.why and "scans sub-0" in error.why
    assert "2 steps in a row" in error.why and not (tmp_path / "model").exists()
    state = load_file(tmp_path / "checkpoints" / "step-00000003" / "state.safetensors")
    assert all(bool(torch.isfinite(tensor).all()) for tensor in state.values())


def test_checkpoints_are_pruned_by_the_recipes_policy(
    cohort: tuple[Path, Path], settings: recipe.Autoencoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = changed(settings, {}, checkpoint_every=1, checkpoints_kept=3, milestone_every=4)
    stopped(cohort, tmp_path, policy, 7, monkeypatch)
    assert numbered(tmp_path) == [4, 5, 6, 7]
    # What is kept changes no weight: it may change from one call to the next.
    trained(cohort, tmp_path, changed(settings, {}, checkpoint_every=1, milestone_every=3))
    assert numbered(tmp_path) == [6, 9]


def numbered(folder: Path) -> list[int]:
    return sorted(int(found.name.removeprefix("step-")) for found in (folder / "checkpoints").glob("step-*"))


def test_other_settings_are_refused(cohort: tuple[Path, Path], run: Path, settings: recipe.Autoencoder) -> None:
    other = settings.model_copy(update={"kl": 1e-3})
    with pytest.raises(TlesynthError, match=r"CFG-010.*autoencoder\.kl"):
        train_autoencoder(*cohort, run, other, seed=1, device="cpu", precision="32-true")


def test_other_scans_and_other_splits_are_another_run(
    cohort: tuple[Path, Path], run: Path, settings: recipe.Autoencoder, tmp_path: Path
) -> None:
    derivatives, splits = cohort
    table = durable.read_table(splits)
    durable.write_table(
        tmp_path / "swapped.tsv", table.assign(split=table["split"].replace({"val": "test", "test": "val"}))
    )
    with pytest.raises(TlesynthError, match=r"CFG-010.*differ: splits, scans"):
        trained((derivatives, tmp_path / "swapped.tsv"), run, settings)
    others = shutil.copytree(derivatives, tmp_path / "others")
    writer = CohortWriter(others, GRID, "preproc", "test", "six random volumes")
    writer.write("sub-04", read_cohort(derivatives).volume("sub-04")[::-1], {})
    with pytest.raises(TlesynthError, match=r"CFG-010.*differ: scans"):
        trained((others, splits), run, settings)
    # Who stands in test is nothing to the training.
    last = table["participant_id"].isin(["sub-05", "sub-06"])
    durable.write_table(tmp_path / "same.tsv", table.assign(split=table["split"].mask(last, "test")))
    trained((derivatives, tmp_path / "same.tsv"), run, settings)


def test_fitted_latents_have_mean_0_and_deviation_1() -> None:
    torch.manual_seed(0)
    network = Autoencoder(recipe.AutoencoderNetwork(channels=(4, 8, 8), norm_groups=2), GRID).requires_grad_(False)
    scans = Scans(torch.rand(2, *GRID.shape).half(), ("a", "b"))
    fit_latents(network, scans, torch.device("cpu"))
    latents = torch.cat([network.to_latents(scans.voxels[[row], None].float()) for row in (0, 1)])
    by_channel = latents.transpose(0, 1).flatten(1)
    torch.testing.assert_close(by_channel.mean(1), torch.zeros(4), atol=1e-3, rtol=0)
    torch.testing.assert_close(by_channel.std(1, correction=0), torch.ones(4), atol=1e-3, rtol=0)


def test_a_channel_that_never_changes_is_refused() -> None:
    class Constant(torch.nn.Module):
        settings = recipe.AutoencoderNetwork(channels=(4, 8, 8), norm_groups=2)

        def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.ones(1, 4, 2, 2, 2), torch.zeros(1, 4, 2, 2, 2)

    scans = Scans(torch.zeros(2, 8, 8, 8, dtype=torch.float16), ("a", "b"))
    with pytest.raises(TlesynthError, match="NUM-001"):
        latent_statistics(Constant(), scans, torch.device("cpu"))  # ty: ignore[invalid-argument-type]
