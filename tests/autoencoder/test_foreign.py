"""Weights of MAISI's and MONAI's own networks give their networks' own results; others are refused by name."""

import shutil
from pathlib import Path

import pytest
import torch
from monai.apps.generation.maisi.networks.autoencoderkl_maisi import AutoencoderKlMaisi
from monai.networks.nets.autoencoderkl import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor, nn

from tlesynth import durable
from tlesynth.autoencoder.foreign import Family, import_autoencoder, misfits, read_foreign, renamed
from tlesynth.autoencoder.model import load_autoencoder
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Gate, Inference

from .conftest import GRID

GROUPS = 4


def maisi(**changed: object) -> nn.Module:
    """MAISI's released configuration with thin levels, whole volumes and single precision."""
    torch.manual_seed(3)
    given = {"num_res_blocks": (2, 2, 2), "num_channels": (8, 12, 16), "attention_levels": (False,) * 3} | changed
    network = AutoencoderKlMaisi(
        spatial_dims=3,
        in_channels=1,
        out_channels=1,
        latent_channels=4,
        norm_num_groups=GROUPS,
        norm_float16=False,
        num_splits=1,
        save_mem=False,
        **given,  # ty: ignore[invalid-argument-type]
    )
    return network.eval()


def monai() -> nn.Module:
    torch.manual_seed(4)
    return AutoencoderKL(
        spatial_dims=3,
        channels=(8, 12, 16),
        num_res_blocks=(1, 1, 1),
        latent_channels=3,
        norm_num_groups=GROUPS,
        attention_levels=(False,) * 3,
        with_encoder_nonlocal_attn=False,
        with_decoder_nonlocal_attn=False,
    ).eval()


def saved(network: nn.Module, folder: Path, name: str = "weights.safetensors") -> Path:
    file, state = folder / name, {k: v.contiguous() for k, v in network.state_dict().items()}
    if file.suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save({"epoch": 273, "state_dict": {f"module.{k}": v for k, v in state.items()}}, file)
    return file


@pytest.mark.parametrize(("family", "name"), [("maisi", "w.safetensors"), ("maisi", "w.pt"), ("monai", "w.pt")])
@torch.no_grad()
def test_it_encodes_and_decodes_as_the_network_it_came_from(family: Family, name: str, tmp_path: Path) -> None:
    theirs = maisi() if family == "maisi" else monai()
    ours = read_foreign(saved(theirs, tmp_path, name), family, GRID, GROUPS).eval()
    assert ours.settings.channels == (8, 12, 16)
    assert ours.settings.residual_blocks == (2 if family == "maisi" else 1)
    x = torch.rand(1, 1, *GRID.shape)
    mean, sigma = theirs.encode(x)
    made, logvar = ours.encode(x)
    assert (made - mean).abs().max() <= 1e-4
    assert (torch.exp(0.5 * logvar) - sigma).abs().max() <= 1e-4
    assert (ours.coder.decode(mean) - theirs.decode(mean)).abs().max() <= 1e-4


@torch.no_grad()
def test_the_doubling_matters(tmp_path: Path) -> None:
    """MAISI's weights in MONAI's network would decode to something else: the two are not interchangeable."""
    theirs = maisi()
    ours = read_foreign(saved(theirs, tmp_path), "maisi", GRID, GROUPS)
    state = ours.state_dict()
    nearest = type(ours)(ours.settings.model_copy(update={"upsampling": "nearest"}), GRID)
    nearest.load_state_dict(state)
    z = torch.randn(1, 4, 5, 6, 5)
    assert (nearest.coder.decode(z) - theirs.decode(z)).abs().max() > 1e-2


def test_names_are_those_of_monai() -> None:
    assert renamed("encoder.blocks.0.conv.conv.weight", "maisi") == "encoder.blocks.0.conv.weight"
    assert renamed("encoder.blocks.3.conv.conv.conv.bias", "maisi") == "encoder.blocks.3.conv.conv.bias"
    assert renamed("decoder.blocks.5.conv.conv.conv.bias", "maisi") == "decoder.blocks.5.postconv.conv.bias"
    assert renamed("decoder.blocks.1.nin_shortcut.conv.conv.weight", "maisi") == (
        "decoder.blocks.1.nin_shortcut.conv.weight"
    )
    assert renamed("decoder.blocks.5.conv.conv.weight", "monai") == "decoder.blocks.5.postconv.conv.weight"
    assert renamed("quant_conv_mu.conv.weight", "maisi") == "quant_conv_mu.conv.weight"


def test_misfits_are_named() -> None:
    found = {"a": torch.zeros(2), "b": torch.zeros(3, 1)}
    assert misfits(found, {"a": torch.zeros(2), "b": torch.zeros(3), "c": torch.zeros(1)}) == [
        "c is missing",
        "b is 3 x 1, not 3",
    ]
    assert misfits(found, {"a": torch.zeros(2)}) == ["b is unknown"]


def wrong_files(folder: Path) -> dict[str, tuple[Path, Family, str]]:
    """What is wrong -> file, the family it is imported as, and the words the error must hold."""
    state = maisi().state_dict()

    def put(name: str, tensors: dict[str, Tensor]) -> Path:
        save_file({k: v.contiguous() for k, v in tensors.items()}, folder / name)
        return folder / name

    (folder / "text.pt").write_text("not weights")
    (folder / "text.safetensors").write_text("not weights")
    torch.save({"network": GRID}, folder / "class.pt")
    torch.save({"epoch": 3}, folder / "numbers.pt")
    lacking = {k: v for k, v in state.items() if not k.startswith("post_quant_conv")}
    broken = state | {"quant_conv_mu.conv.bias": torch.full((4,), float("nan"))}
    return {
        "text": (folder / "text.pt", "maisi", "neither"),
        "text as safetensors": (folder / "text.safetensors", "maisi", "neither"),
        "a pickled class": (folder / "class.pt", "maisi", "neither"),
        "no tensors": (folder / "numbers.pt", "maisi", "no tensors by name"),
        "another network": (put("line.safetensors", nn.Linear(2, 2).state_dict()), "maisi", "begin with bias, weight"),
        "another family": (put("m.safetensors", state), "monai", "import-weights maisi"),
        "unequal depths": (saved(maisi(num_res_blocks=(1, 2, 2)), folder, "d.pt"), "maisi", "1, 2, 2 residual blocks"),
        "four levels": (
            saved(
                maisi(num_res_blocks=(1,) * 4, num_channels=(8, 8, 8, 8), attention_levels=(False,) * 4),
                folder,
                "f.pt",
            ),
            "maisi",
            "1, 1, 1, 1 residual blocks",
        ),
        "attention": (
            saved(maisi(attention_levels=(False, False, True)), folder, "a.pt"),
            "maisi",
            "it has attention layers, as encoder.blocks.",
        ),
        "a part is missing": (put("l.safetensors", lacking), "maisi", "post_quant_conv.conv.weight is missing"),
        "not finite": (put("n.safetensors", broken), "maisi", "quant_conv_mu.conv.bias holds values that are not"),
    }


def test_wrong_files_are_refused_with_what_does_not_fit(tmp_path: Path) -> None:
    for what, (file, family, words) in wrong_files(tmp_path).items():
        with pytest.raises(TlesynthError) as caught:
            read_foreign(file, family, GRID, GROUPS)
        assert caught.value.code == "MOD-006" and caught.value.exit_status == 5, what
        assert words in str(caught.value), (what, str(caught.value))
    with pytest.raises(TlesynthError, match=r"norm_groups 5 must divide.*--norm-groups says how many"):
        read_foreign(tmp_path / "m.safetensors", "maisi", GRID, 5)
    with pytest.raises(TlesynthError, match=r"MOD-007.*missing\.pt.*no such weights file") as caught:
        read_foreign(tmp_path / "missing.pt", "maisi", GRID, GROUPS)
    assert caught.value.exit_status == 5


def test_an_imported_model_is_complete(cohort: tuple[Path, Path], tmp_path: Path) -> None:
    file = saved(maisi(), tmp_path)
    import_autoencoder(file, "maisi", *cohort, tmp_path / "out", norm_groups=GROUPS, device="cpu")
    ours = load_autoencoder(tmp_path / "out" / "model")
    assert ours.settings.upsampling == "trilinear"
    assert bool((ours.latent_scale != 1).all()) and bool((ours.latent_mean != 0).all())
    config = durable.read_json(tmp_path / "out" / "model" / "config.json")
    assert config["training"]["imported"]["sha256"] == durable.sha256(file)
    assert config["gate"]["verdict"] == "failed" and config["gate"]["loosened"] == []
    off = Gate(l1=None, psnr=None, grid_artefact_db=None, posterior_noise=None, dead_channels=16)
    judging = (off, Inference(precision="bf16-true"))
    import_autoencoder(file, "maisi", *cohort, tmp_path / "out", norm_groups=GROUPS, device="cpu", judging=judging)
    gate = durable.read_json(tmp_path / "out" / "gate.json")
    assert gate["verdict"] == "passed" and gate["run"]["precision"] == "bfloat16"
    card = (tmp_path / "out" / "model" / "README.md").read_text()
    assert "Imported" in card and "licence" in card and "weights.safetensors" in card
    assert "0 steps" not in card


def test_an_import_writes_over_nothing_but_itself(cohort: tuple[Path, Path], run: Path, tmp_path: Path) -> None:
    file, other = saved(maisi(), tmp_path), saved(monai(), tmp_path, "other.safetensors")
    before = durable.manifest_of(run)
    with pytest.raises(TlesynthError, match=r"CFG-010.*differ") as caught:
        import_autoencoder(file, "maisi", *cohort, run, norm_groups=GROUPS, device="cpu")
    assert caught.value.exit_status == 2 and durable.manifest_of(run) == before
    shutil.copytree(run / "model", tmp_path / "model")
    for place in (tmp_path, tmp_path / "model"):
        with pytest.raises(TlesynthError, match=r"CFG-010.*a model stands there"):
            import_autoencoder(file, "maisi", *cohort, place, norm_groups=GROUPS, device="cpu")
    out = tmp_path / "out"
    for _ in range(2):
        import_autoencoder(file, "maisi", *cohort, out, norm_groups=GROUPS, device="cpu")
    before = durable.manifest_of(out)
    with pytest.raises(TlesynthError, match=r"CFG-010.*imported\.family, imported\.sha256"):
        import_autoencoder(other, "monai", *cohort, out, norm_groups=GROUPS, device="cpu")
    assert durable.manifest_of(out) == before
