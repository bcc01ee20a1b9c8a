"""One brain end to end, beside the paper's way and MAISI's (P8, P9, P10)."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import denoisers
import sides
import torch
from denoisers import SIZES, Denoiser, Size, conditions, dit, noise, plain_attention
from generators import SAMPLER, generators, subjects, synthesizer
from machine import publish, tell
from sides import EIGHTH, FULL, TINY, Peer, peer_side, random_latent, scale_of, seeded
from timing import Job, Load, interleave, verdict

from tlesynth.diffusion.process import process_of
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.recipe import Noise
from tlesynth.synthesis.background import cleaned
from tlesynth.synthesis.synthesizer import Synthesizer

ABOUT = "one brain end to end in core-seconds beside the paper's DDPM and MAISI's rectified flow (P8 to P10)"
OURS = "ours, 20 steps"
GUIDED = "ours, 20 steps, guidance 2"
WAYS = {OURS: (20, 1.0), GUIDED: (20, 2.0), "ours, 10 steps": (10, 1.0)}
"""Steps and guidance of ours."""
TARGETS = {"paper": 100.0, "maisi fp32": 20.0}
"""How many times faster ours must be in 20 steps."""
MOST_SECONDS = {OURS: 3.0, GUIDED: 4.0}
LEAST_AN_HOUR = 1500
PAPER_STEPS, PAPER_MEASURED = 1000, 20
MAISI_STEPS, MAISI_MEASURED = 30, 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--volume", choices=list(SIZES), default="full")


def run(given: argparse.Namespace, out: Path) -> None:
    """Time every stage in turn, add the stages up, publish."""
    size = SIZES[given.volume]
    jobs = jobs_of(size)
    tell(f"{len(jobs)} stages, {given.passes} passes; the kernels are chosen before")
    synthesizer(size, 1, 1.0).draw(subjects(1), 0)
    with Load() as load:
        interleave(jobs, given.passes, tell)
    result = added_up({job.name: job.seconds for job in jobs}) | {
        "unit": "core-seconds / threads a volume, median over passes; ratios are the peer's over ours",
        "volume": "x".join(map(str, size.volume)),
        "stages": {job.name: job.result() for job in jobs},
        "about": about(size),
        "load": load.result(),
    }
    publish("sample", result, out)


def jobs_of(size: Size) -> list[Job]:
    """The stages; each runs once a pass, so that those of a way may be added up pass by pass."""
    ours = [Job(name, functools.partial(_draw, synthesizer(size, *way))) for name, way in WAYS.items()]
    decoder = synthesizer(size, 1, 1.0)
    latent = noise(size)[0]
    small = peer_side("monai 32-64-64 fp32", seeded(sides.small), "float32")
    part = EIGHTH if size.volume == FULL else TINY
    maisi, z = seeded(sides.maisi), noise(size)
    return [
        *ours,
        Job("ours, of which decoding", lambda: decoder.decode(latent)),
        Job("paper denoising", _paper(size), scale=PAPER_STEPS / PAPER_MEASURED),
        Job("paper decoding", lambda: small.decode(noise(size))),
        *(
            Job(f"{one.name} denoising", functools.partial(_euler, one, z), scale=MAISI_STEPS / MAISI_MEASURED)
            for one in denoisers.maisi_denoisers(size)
        ),
        Job("maisi fp32 decoding", _decoding(maisi, "float32", part), scale=_parts(size, part)),
        Job("maisi bf16 autocast decoding", _decoding(maisi, "autocast", part), scale=_parts(size, part)),
    ]


def added_up(seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Each way's seconds, their ratios to ours in 20 steps, and the absolute targets, from the stages' seconds."""
    peers = {
        peer: [a + b for a, b in zip(seconds[f"{peer} denoising"], seconds[f"{peer} decoding"], strict=True)]
        for peer in ("paper", "maisi fp32", "maisi bf16 autocast")
    }
    ways = {name: Job(name, lambda: None, seconds=made) for name, made in (seconds | peers).items() if _whole(name)}
    ratios = {peer: verdict(made, seconds[OURS], TARGETS.get(peer)) for peer, made in peers.items()}
    absolute = {name: _within(seconds[name], most) for name, most in MOST_SECONDS.items()}
    an_hour = round(3600 / ways[OURS].median)
    return {
        "sample_ratio": ratios["paper"]["ratio"],
        "sample_ratio_maisi": ratios["maisi fp32"]["ratio"],
        "ratios": ratios,
        "seconds": {name: way.result() for name, way in ways.items()},
        "absolute": absolute,
        "volumes_an_hour": {"ours": an_hour, "target": LEAST_AN_HOUR, "met": an_hour >= LEAST_AN_HOUR},
    }


def about(size: Size) -> dict[str, str]:
    """What each way does, and what of it was measured."""
    full = size.volume == FULL
    decoded = "an eighth of the volume, times 8" if full else "a small volume"
    return {
        "ours": f"synthesis with {SAMPLER}, the decoder of `recommended`, cleaning; no file is written",
        "paper": f"our network in plain float32, DDPM: {PAPER_MEASURED} of {PAPER_STEPS} steps, times "
        f"{PAPER_STEPS // PAPER_MEASURED}; MONAI's AutoencoderKL 32-64-64 in float32",
        "maisi": f"{MAISI_MEASURED} of {MAISI_STEPS} Euler steps of its UNet on the padded latent, times "
        f"{MAISI_STEPS // MAISI_MEASURED}; its decoder on {decoded}",
    }


def _draw(models: Synthesizer) -> None:
    cleaned(next(models.volumes(subjects(1), 0)))


def _paper(size: Size) -> Callable[[], None]:
    network, plan = dit(size), Plan(process_of(Noise()), sampler="ddpm", steps=PAPER_MEASURED)

    def work() -> None:
        with plain_attention():
            sample_latents(network, conditions(1), size.latent, generators(1), plan)

    return work


def _euler(one: Denoiser, z: torch.Tensor) -> None:
    for _ in range(MAISI_MEASURED):
        x, y, z_ = z.shape[2:]
        z = z - one(z)[:, :, :x, :y, :z_].float() / MAISI_STEPS


def _decoding(network: Peer, precision: sides.Precision, part: tuple[int, int, int]) -> Callable[[], object]:
    side, latent = peer_side("maisi", network, precision), random_latent(part)
    return lambda: side.decode(latent)


def _parts(size: Size, part: tuple[int, int, int]) -> float:
    return scale_of(part) / scale_of(size.volume)


def _within(seconds: list[float], most: float) -> dict[str, Any]:
    return {"worst_s": round(max(seconds), 3), "most_s": most, "met": max(seconds) <= most}


def _whole(name: str) -> bool:
    return not name.endswith(("decoding", "denoising"))
