"""Peak memory of the whole `tlesynth sample` process and of a train step, each in a process of its own (P13)."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import sides
from denoisers import SIZES, Size
from generators import SAMPLER, write_models
from learning import Step
from machine import forget_peak, held, publish, tell

from tlesynth.recipe import AutoencoderNetwork
from tlesynth.volume import GRIDS, Grid

ABOUT = "peak memory of the whole `tlesynth sample` process, and of a train step of 16 (P13)"
SCRIPT = Path(__file__).parents[1] / "sampling.py"
MOST_SAMPLE_GIB, MOST_STEP_GIB = 1.5, 4.0
STEP_BATCH = {"full": 16, "tiny": 2}
STEP_SIDES = ("ours", "plain fp32")
SUBJECTS, STEPS = 2, 3
"""Drawn by the measured process: more need no more memory (`scale`)."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("--volume", choices=list(SIZES), default="full")
    parser.add_argument("--child", nargs=2, metavar=("SIDE", "VOLUME"), help=argparse.SUPPRESS)


def run(given: argparse.Namespace, out: Path) -> None:
    """Measure and publish, or be one of the measured processes."""
    if given.child:
        side, volume = given.child
        print(json.dumps(step_peak(SIZES[volume], side)))
        return
    sampled = sample_peak(SIZES[given.volume])
    tell(f"sample      {sampled:6.2f} GiB")
    steps = {side: _child(side, given.volume) for side in STEP_SIDES}
    for side, found in steps.items():
        tell(f"{side:<11} {found['work'] + found['state']:6.2f} GiB a step")
    publish("memory", verdicts(sampled, steps) | {"batch": STEP_BATCH[given.volume]}, out)


def verdicts(sampled: float, steps: dict[str, dict[str, float]]) -> dict[str, Any]:
    """The entries of the JSON file from GiB."""
    entries = {
        side: {
            "gib": round(found["work"] + found["state"], 3),
            "of_which_gradients_and_moments_gib": round(found["state"], 3),
            "whole_process_gib": round(found["process"], 3),
        }
        for side, found in steps.items()
    }
    total = steps["ours"]["work"] + steps["ours"]["state"]
    entries["ours"] |= {"target_gib": MOST_STEP_GIB, "met": total <= MOST_STEP_GIB}
    whole = {"gib": round(sampled, 3), "target_gib": MOST_SAMPLE_GIB, "met": sampled <= MOST_SAMPLE_GIB}
    unit = "GiB; sample: the most the process ever held; step: over the model, gradients and moments included"
    return {"unit": unit, "sample": whole, "train_step": entries}


def step_peak(size: Size, side: str) -> dict[str, float]:
    """GiB that a train step adds: ``work`` goes after it, ``state`` (gradients, moments, average) stays."""
    batch = STEP_BATCH[size.name]
    Step(SIZES["tiny"], side, SIZES["tiny"].train_batch)()  # what torch itself needs
    before = held("VmRSS")
    step = Step(size, side, batch)
    model = sum(p.numel() * p.element_size() for p in step.learner.network.parameters()) / 2**30
    forget_peak()
    step()
    step()
    state = max(0.0, held("VmRSS") - before - model)
    return {"work": held("VmHWM") - held("VmRSS"), "state": state, "process": held("VmHWM")}


def sample_peak(size: Size) -> float:
    """GiB of `tlesynth sample` at its highest, models of random weights included; tiny draws on the 3 mm grid."""
    with tempfile.TemporaryDirectory() as folder:
        write_models(Path(folder), *_models(size))
        words = [sys.executable, "-m", "tlesynth", "sample", "--recipe", "recommended", "--n", str(SUBJECTS)]
        words += ["--autoencoder", f"{folder}/autoencoder", "--diffusion", f"{folder}/diffusion"]
        words += ["--out", f"{folder}/cohort", "--set", f"sample.sampler={SAMPLER}", "--set", f"sample.steps={STEPS}"]
        words += ["--set", "sample.guidance=2", "--set", "device=cpu"]
        with open(Path(folder) / "log", "w+") as log:
            child = subprocess.Popen(words, stdout=log, stderr=log)
            try:
                _, status, used = os.wait4(child.pid, 0)
            except BaseException:
                child.kill()
                raise
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                raise RuntimeError(f"sample: {(Path(folder) / 'log').read_text().strip().splitlines()[-1]}")
    return used.ru_maxrss / 2**20


def _models(size: Size) -> tuple[Grid, AutoencoderNetwork, Any]:
    if size.name == "full":
        return size.grid, sides.recommended_settings().network, size.network
    small = AutoencoderNetwork(design="lean", channels=(8, 16), residual_blocks=1)
    return GRIDS["mni-3mm"], small, size.network.model_copy(update={"patch": (14, 17, 14)})


def _child(side: str, volume: str) -> dict[str, float]:
    words = [sys.executable, str(SCRIPT), "memory", "--child", side, volume]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{side}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])
