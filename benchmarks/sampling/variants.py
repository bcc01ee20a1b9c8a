"""Variants of the diffusion model at equal core-seconds on real latents: the ablation behind ``recommended``.

A variant's curve, weights and scores are files of their own: what is done is not done again, and a stopped run goes on
with the next one.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from lessons import SHARES, WARM_UP, Material, new, read, taught
from lightning_fabric import Fabric
from machine import machine, publish, tell
from ruler import ruler_of
from safetensors.torch import load_file, save_file
from scores import SIDES, Draw, Judge, effect, effect_error, gaussian_guess, held_out_errors, measured
from timing import Load
from torch import nn

from tlesynth import durable, recipe
from tlesynth.autoencoder.model import load_autoencoder
from tlesynth.data.cohort import read_cohort
from tlesynth.diffusion.conditions import is_missing
from tlesynth.diffusion.latents import read_about, read_latents, rows_of
from tlesynth.diffusion.model import Diffusion
from tlesynth.diffusion.process import Process, process_of
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.seeds import generator, torch_generator
from tlesynth.synthesis.baselines.pca import PcaGaussian, fit_pca
from tlesynth.synthesis.requests import Subject
from tlesynth.training import fabric_for
from tlesynth.training.device import computes_in_bfloat16

ABOUT = "variants of the diffusion model at equal core-seconds on real latents, scored alike"
V = ("noise.prediction=v_prediction",)
FLOW = ("noise.process=flow", "noise.draw=logit_normal")
MUON = ("optimizer=muon", "learning_rate=1e-3")
RECOMMENDED = (*FLOW, *MUON, "network.conditioning=adaln", "network.qk_norm=true")
VARIANTS: dict[str, tuple[str, ...]] = {
    "paper": ("noise.prediction=epsilon", "network.conditioning=token", "optimizer=adam", "learning_rate=1e-4"),
    "v-prediction": V,
    "v-prediction, voxelwise": (*V, "network.baseline=voxelwise"),
    "flow uniform": ("noise.process=flow",),
    "flow": FLOW,
    "flow, adaln": (*FLOW, "network.conditioning=adaln"),
    "flow, qk-norm": (*FLOW, "network.qk_norm=true"),
    "flow, adam 1e-3": (*FLOW, "learning_rate=1e-3"),
    "flow, muon": (*FLOW, *MUON),
    "flow, voxelwise": (*FLOW, "network.baseline=voxelwise"),
    "recommended": (*RECOMMENDED, "network.baseline=conditional"),
    "recommended, voxelwise": (*RECOMMENDED, "network.baseline=voxelwise"),
    "recommended, textured": (*RECOMMENDED, "network.baseline=textured"),
    "flow, fine patch": (*FLOW, "network.patch=[2,2,2]", "network.width=192", "network.heads=3"),
}
"""What differs from the recipe ``paper`` with ``SHARED``; ``flow`` draws its times logit-normally."""
SHARED = (
    "conditions={group: {values: [hc, tle]}, side: {values: [left, right], mirror: {left: right, right: left}}}",
    "flip=true",
)
PCA = "pca"
SAMPLER, STEPS = "dpm++", 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("latents", type=Path, help="folder that encode wrote")
    parser.add_argument("splits", type=Path, help="gen_train is learnt from, val is held out")
    parser.add_argument("--autoencoder", type=Path, required=True, help="model folder of the one that encoded")
    parser.add_argument("--derivatives", type=Path, help="the preprocessed scans: their effect size is the goal")
    parser.add_argument("--curves", type=Path, required=True, help="folder of curves, weights and scores")
    parser.add_argument("--budget", type=float, default=600, help="core-seconds of training (divided by threads)")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), metavar="VARIANT")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="A=B", help="diffusion settings that all variants share"
    )
    parser.add_argument("--samples", type=int, default=48, help="drawn for the Frechet distance")
    parser.add_argument("--a-side", type=int, default=24, help="patients drawn of each side for the effect size")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--seed", type=int, default=0)


def run(given: argparse.Namespace, out: Path) -> None:
    """Teach and score what has no file yet, then publish all of it."""
    fabric = fabric_for(given.device, given.precision)
    settings = {name: settings_of(name, given.set) for name in given.variants}
    material = read(given.latents, given.splits, next(iter(settings.values())))
    judge = judge_of(given, material, fabric)
    identity = durable.hash_of([judged_by(given), given.derivatives is None])
    real = _kept(given.curves / "real.json", identity, lambda: real_effects(given, material, judge))
    found = {}
    for name, asked in settings.items():
        identity = identity_of(given, asked)
        trained = _trained(name, asked, given, material, fabric, identity)
        found[name] = trained | _scored(name, asked, given, material, judge, fabric, identity)
    identity = durable.hash_of([judged_by(given), given.seed, given.samples, given.a_side])
    found[PCA] = _kept(given.curves / f"{PCA}.scores.json", identity, lambda: pca(given, material, judge))
    for entry in found.values():
        entry["effect_error"] = effect_error(entry["effect"], real["scans"])
    result = {
        "distances": controls(given, material, judge),
        "real_effect": real,
        "variants": found,
        "how": how_of(given, material),
    }
    publish("variants", best(found) | result, out)


def settings_of(name: str, shared: Sequence[str] = ()) -> recipe.Diffusion:
    """The settings of a variant: the paper's, what all share, its own."""
    overrides = [f"diffusion.{one}" for one in (*SHARED, *shared, *VARIANTS[name])]
    return recipe.load("paper", overrides).diffusion


def identity_of(given: argparse.Namespace, settings: recipe.Diffusion) -> str:
    """What a curve depends on."""
    asked = [given.budget, given.seed, given.device, given.precision]
    return durable.hash_of([settings.model_dump(mode="json"), judged_by(given), asked])


def judged_by(given: argparse.Namespace) -> list[str]:
    """The autoencoder and the splits."""
    return [read_about(given.latents)["autoencoder"], durable.sha256(given.splits)]


def judge_of(given: argparse.Namespace, material: Material, fabric: Fabric) -> Judge:
    """The ruler of these latents and the decoder; subjects are asked for as the training scans are, in turn."""
    held_out = read_latents(given.latents, rows_of(given.latents, given.splits, "val"), material.conditions, flip=True)
    mirrored = read_latents(given.latents, material.rows, material.conditions, flip=True)
    autoencoder = load_autoencoder(given.autoencoder, fabric.device)
    if autoencoder.fingerprint != material.about["autoencoder"]:
        raise SystemExit("these latents were made by another autoencoder")
    autoencoder = autoencoder.run_as(recipe.Inference(precision="auto"))
    rows = material.rows.to_dict("records")
    asked = [
        {name: str(row[name]) for name in material.conditions.names if not is_missing(row.get(name))} for row in rows
    ]
    asked = [asked[i % len(asked)] for i in range(given.samples)]
    unseen = material.held_out.values.float()
    return Judge(ruler_of(mirrored, held_out), autoencoder, unseen, asked, given.a_side)


def real_effects(given: argparse.Namespace, material: Material, judge: Judge) -> dict[str, Any]:
    """The effect size of the side in the training scans themselves, and in what their latents decode to."""
    ids = {
        side: material.rows.loc[(material.rows["group"] == "tle") & (material.rows["side"] == side), "participant_id"]
        for side in SIDES
    }
    place = {name: row for row, name in reversed(list(enumerate(material.fitted.ids)))}  # not the mirrored ones
    decoded = {
        side: judge.asymmetries(material.fitted.values[[place[name] for name in names]].float())
        for side, names in ids.items()
    }
    if given.derivatives is None:
        return {"scans": None, "decoded": effect(decoded)}
    cohort = read_cohort(given.derivatives)
    scans = {
        side: measured((cohort.volume(name) for name in names if name in cohort.ids), judge.autoencoder)
        for side, names in ids.items()
    }
    return {"scans": effect(scans), "decoded": effect(decoded)}


def pca(given: argparse.Namespace, material: Material, judge: Judge) -> dict[str, Any]:
    """The shipped rival, a Gaussian in principal components of each class's latents, scored like the variants."""
    fit = fit_pca(material.fitted, material.conditions)
    rival = PcaGaussian(judge.autoencoder, material.conditions, fit, given.seed, "")
    process = process_of(recipe.Noise(process="flow"))
    guess = gaussian_guess(process, material.conditions, fit)

    def draw(asked: Sequence[dict[str, str]], key: str) -> torch.Tensor:
        return torch.stack([rival.latent(Subject(f"{key} {i}", one), 0) for i, one in enumerate(asked)])

    errors = held_out_errors(guess, process, material.held_out, given.seed)
    return {"errors": errors} | judge.scores(draw)


def controls(given: argparse.Namespace, material: Material, judge: Judge) -> dict[str, dict[str, float]]:
    """The distances of training scans, and of their mean again and again, which is no generator at all."""
    scans = material.fitted.values[: len(material.rows)].float()
    floor = judge.ruler.floor(given.samples, generator(given.seed, "benchmark", "floor"))
    mean = scans.mean(0, keepdim=True).expand(given.samples, *scans.shape[1:])
    training = {"frechet": float(f"{floor:.5g}"), "energy": judge.distances(scans)["energy"]}
    return {"training scans": training, "their mean": judge.distances(mean)}


def best(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Which variant is best by each figure, the rival left out."""
    variants = {name: entry for name, entry in found.items() if name != PCA and entry.get("errors")}
    if not variants:
        return {}
    chosen = {"velocity_mse": min(variants, key=lambda name: variants[name]["errors"]["velocity_mse"])}
    for figure in ("frechet", "energy"):
        drawn = {name: entry[figure] for name, entry in variants.items() if entry[figure] is not None}
        chosen |= {figure: min(drawn, key=drawn.__getitem__)} if drawn else {}
    missed = {n: abs(e["effect_error"]) for n, e in variants.items() if e.get("effect_error") is not None}
    return {"best": chosen | ({"effect": min(missed, key=missed.__getitem__)} if missed else {})}


def how_of(given: argparse.Namespace, material: Material) -> dict[str, Any]:
    """What a figure depends on besides the variant."""
    return {
        "data": given.latents.name,
        "training_scans": len(material.rows),
        "held_out_scans": len(material.held_out),
        "budget_core_seconds": given.budget,
        "shared": [*SHARED, *given.set],
        "seed": given.seed,
        "learning_rate": f"warm-up of {WARM_UP} steps, then constant; judged: the average of the weights",
        "points": f"at {', '.join(f'{share:g}' for share in SHARES)} of the budget",
        "errors": "mean over noise levels b / a and held-out scans; velocity: that of a process with a^2 + b^2 = 1",
        "drawn": f"{given.samples} for the distance, {given.a_side} of each side; {SAMPLER}, {STEPS} steps, unguided",
        "effect": "Cohen's d of hippocampal asymmetry, left TLE against right",
        "unit": "core_seconds: CPU time of training alone / threads; wall seconds on cuda",
    }


def _trained(
    name: str,
    settings: recipe.Diffusion,
    given: argparse.Namespace,
    material: Material,
    fabric: Fabric,
    identity: str,
) -> dict[str, Any]:
    """The curve of a variant; its weights lie beside it."""
    path = given.curves / f"{file_of(name)}.json"
    if (done := _done(path, identity)) is not None:
        return {key: value for key, value in done.items() if key != "identity"}
    tell(f"{name}: {given.budget:g} core-seconds")
    with Load() as load:
        network, points = taught(settings, material, given.budget, fabric, given.seed)
    with durable.replacing(path.with_suffix(".safetensors")) as temporary:
        save_file({key: value.cpu().contiguous() for key, value in network.state_dict().items()}, temporary)
    size = sum(p.numel() for p in network.parameters())
    made = {"overrides": list(VARIANTS[name]), "parameters": size, "points": points}
    made |= {"load": load.result(), "machine": machine()}
    durable.write_json(path, made | {"identity": identity})
    return made


def _scored(
    name: str,
    settings: recipe.Diffusion,
    given: argparse.Namespace,
    material: Material,
    judge: Judge,
    fabric: Fabric,
    identity: str,
) -> dict[str, Any]:
    """Errors at every level, distance and effect of a variant's weights."""

    def scores() -> dict[str, Any]:
        tell(f"{name}: drawing")
        network, process = new(settings, material, given.seed)
        network.load_state_dict(load_file(given.curves / f"{file_of(name)}.safetensors"))
        network = network.to(fabric.device).eval().requires_grad_(False)
        held_out = material.held_out.to(fabric.device)
        guess = lambda z, times, told: process.clean_of(z, network(z, times, told), times)  # noqa: E731
        errors = held_out_errors(guess, process, held_out, given.seed)
        return {"errors": errors} | judge.scores(_drawing(network, process, material, given.seed, fabric))

    identity = durable.hash_of([identity, given.samples, given.a_side])
    return _kept(given.curves / f"{file_of(name)}.scores.json", identity, scores)


def _drawing(network: nn.Module, process: Process, material: Material, seed: int, fabric: Fabric) -> Draw:
    """Draws as the product does, in bfloat16 where the device computes in it."""
    network, process = copy.deepcopy((network, process))
    model = Diffusion(
        network=network,
        process=process,
        conditions=material.conditions,
        latent_shape=material.shape,
        grid=material.grid.name,
        autoencoder="",
        class_counts={},
        fingerprint="",
        flip=True,
    )
    if computes_in_bfloat16(fabric.device.type):
        model.use_bfloat16()
    plan = Plan(model.process, sampler=SAMPLER, steps=STEPS)

    def draw(asked: Sequence[dict[str, str]], key: str) -> torch.Tensor:
        told = model.conditions.asked(asked, "benchmark").to(fabric.device)
        noise = [torch_generator(seed, "benchmark", key, i) for i in range(len(asked))]
        return sample_latents(model.network, told, model.latent_shape, noise, plan).latents

    return draw


def file_of(name: str) -> str:
    """A variant's name as one of a file."""
    return name.replace(",", "").replace(" ", "-")


def _kept(path: Path, identity: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What lies at ``path``, made now where it does not."""
    if (done := _done(path, identity)) is None:
        done = make()
        durable.write_json(path, done | {"identity": identity})
    return {key: value for key, value in done.items() if key != "identity"}


def _done(path: Path, identity: str) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    found = durable.read_json(path)
    if found["identity"] != identity:
        raise SystemExit(f"{path.name} was made with other settings: give another --curves folder")
    return found
