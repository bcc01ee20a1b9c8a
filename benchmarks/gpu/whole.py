"""The whole product by its own verbs on a card, every stage within its share of the minutes, and what came out of it.

The cohort is what the part ``heads`` drew. Training takes as many steps as fit: a step is timed first.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import judge
from clock import Figures, placed, release, timed
from clock import arguments as common
from denoisers import SIZES
from networks import AutoencoderStep, DiffusionStep, recommended_diffusion
from verbs import verb

from tlesynth import durable, recipe
from tlesynth.data.cohort import read_cohort
from tlesynth.recipe import dump
from tlesynth.volume import GRIDS

ABOUT = "split, train, encode, train and sample by the product's verbs within given minutes, and judge the result"
SHARE = 0.55
"""Of the time to train, the autoencoder's."""
USED = 0.8
"""Of a training's time, what its steps are planned to take."""
LOOKS = 6
"""Validations of a training."""


@dataclass(frozen=True)
class Plan:
    """How a run is made: recipe, what of it is changed for a large card, and seconds that stages take besides."""

    recipe: str
    autoencoder: tuple[str, ...]
    diffusion: tuple[str, ...]
    encode: tuple[str, ...]
    startup_s: float
    """A verb's imports, and reading what it needs at any size."""
    per_scan_s: dict[str, float]


PLANS = {
    # Batches that fill the card; the rates stay those of the recipe.
    "full": Plan(
        "recommended",
        (
            "autoencoder.crop=[64,64,64]",
            "autoencoder.reconstruction.batch_size=16",
            "autoencoder.gate.scans=24",
            "autoencoder.milestone_every=0",
        ),
        ("diffusion.batch_size=32", "diffusion.milestone_every=0", "diffusion.accept_failed_gate=true"),
        ("encode.moved_copies=2",),
        startup_s=18.0,
        per_scan_s={
            "split": 0.02,
            "autoencoder": 0.14,
            "encode": 0.17,
            "diffusion": 0.08,
            "sample": 0.25,
            "judge": 0.1,
        },
    ),
    "tiny": Plan(
        "tiny",
        ("autoencoder.gate.scans=2",),
        ("diffusion.accept_failed_gate=true",),
        (),
        startup_s=12.0,
        per_scan_s={"split": 0.02, "autoencoder": 0.3, "encode": 0.1, "diffusion": 0.05, "sample": 0.3, "judge": 0.3},
    ),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    common(parser)
    parser.add_argument("work", type=Path, help="folder of the run, with the derivatives that `heads` wrote")
    parser.add_argument("--minutes", type=float, default=7.0, help="for everything")
    parser.add_argument("--samples", type=int, default=128, help="scans that are drawn, half of them patients")
    parser.add_argument(
        "--steps", type=int, nargs=2, metavar=("AUTOENCODER", "DIFFUSION"), help="at most, if there is time"
    )
    parser.add_argument("--set", dest="changed", action="append", default=[], metavar="A.B=C", help="of the recipe")
    parser.add_argument("--also", nargs="*", default=[], choices=list(ALSO), help="further verbs, at the end")


def run(given: argparse.Namespace, out: Path) -> None:
    """Walk the stages; a stage that fails or is stopped ends the walk, and what is there is judged."""
    Walk(given, out).all()


class Walk:
    """One run: its folder, its clock, its figures."""

    def __init__(self, given: argparse.Namespace, out: Path) -> None:
        self.given, self.work, self.plan = given, given.work, PLANS[given.size]
        self.device, self.ends = placed(given), time.monotonic() + 60 * given.minutes
        self.scans = len(read_cohort(self.work / "derivatives").ids)
        self.watched = self.device.type == "cuda"
        about = {"minutes": given.minutes, "scans": self.scans, "samples": given.samples}
        self.figures = Figures("whole", out, **about)
        self.changed = [f"device={given.device}", f"sample.n_hc={given.samples - given.samples // 2}"]
        self.changed += [f"sample.n_tle={given.samples // 2}", *self.plan.autoencoder, *self.plan.diffusion]
        self.changed += [*self.plan.encode, *([] if given.size == "tiny" else ["sample.batch_size=16"]), *given.changed]

    def all(self) -> None:
        """Every stage, then what came of it."""
        stages: list[tuple[str, Callable[[], dict[str, Any]]]] = [
            ("split", self.split),
            ("train autoencoder", self.train_autoencoder),
            ("encode", self.encode),
            ("train diffusion", self.train_diffusion),
            ("sample", self.sample),
        ]
        for name, stage in stages:
            if self.figures.add("stages", name, stage).get("status") != 0:
                break
        self.judged()
        for name in self.given.also:
            self.figures.add("stages", name, lambda name=name: self._verb(ALSO[name](self.work), self.left))
        self.figures.finish()

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self.ends - time.monotonic()

    def besides(self, *names: str) -> float:
        """Seconds that these stages take besides the steps of their training."""
        count = {"sample": self.given.samples, "judge": self.given.samples}
        return sum(self.plan.startup_s + self.plan.per_scan_s[n] * count.get(n, self.scans) for n in names)

    def split(self) -> dict[str, Any]:
        """Who is learnt from."""
        words = ["split", *self._places("derivatives"), "--out", str(self.work / "splits.tsv"), *self._recipe()]
        return self._verb(words, self.left)

    def train_autoencoder(self) -> dict[str, Any]:
        """As many steps as its share of the time to train holds."""
        after = self.besides("encode", "diffusion", "sample", "judge")
        seconds = SHARE * (self.left - after - self.besides("autoencoder"))
        settings = recipe.load(self.plan.recipe, self.changed).autoencoder
        grid = GRIDS["mni-1.5mm" if self.given.size == "full" else "mni-3mm"]
        step = lambda: AutoencoderStep(settings, grid, self.device, "auto")  # noqa: E731
        steps = self._steps(0, step, seconds, "autoencoder")
        self.changed += _paced("autoencoder", steps, "autoencoder.reconstruction.steps")
        words = [
            "train",
            "autoencoder",
            *self._places("derivatives", "splits"),
            "--out",
            str(self.work / "autoencoder"),
        ]
        return self._verb([*words, *self._recipe()], self.left - after)

    def encode(self) -> dict[str, Any]:
        """Latents of everybody, and reconstructions of the held out."""
        words = ["encode", *self._places("autoencoder", "derivatives", "splits", "latents", "reconstructions")]
        return self._verb([*words, *self._recipe()], self.left)

    def train_diffusion(self) -> dict[str, Any]:
        """As many steps as the time to the end holds."""
        after = self.besides("sample", "judge")
        seconds = self.left - after - self.besides("diffusion")
        settings = recipe.load(self.plan.recipe, self.changed).diffusion
        size = SIZES[self.given.size]
        own = recommended_diffusion(size, batch_size=settings.batch_size)
        steps = self._steps(1, lambda: DiffusionStep(own, size, self.device, "auto"), seconds, "diffusion")
        self.changed += _paced("diffusion", steps, "diffusion.steps")
        words = ["train", "diffusion", *self._places("latents", "splits"), "--out", str(self.work / "diffusion")]
        return self._verb([*words, *self._recipe()], self.left - after)

    def sample(self) -> dict[str, Any]:
        """A cohort, not compared with the training scans: the copy watch of the training has looked."""
        words = ["sample", *self._places("autoencoder", "diffusion"), "--out", str(self.work / "synthetic")]
        found = self._verb([*words, *self._recipe()], self.left)
        return found | {"volumes_an_hour": round(3600 * self.given.samples / found["wall_s"])}

    def judged(self) -> None:
        """Whatever can be said of what is there; each figure for itself."""
        work, figures, files = self.work, self.figures, self.figures.out
        durable.write_text(work / "recipe.yaml", dump(recipe.load(self.plan.recipe, self.changed)))
        figures.found["set"] = self.changed
        figures.add("judged", "autoencoder's gate", lambda: judge.gate(work / "autoencoder"))
        for name in ("autoencoder", "diffusion"):
            figures.add("judged", f"curve of the {name}", lambda name=name: {"rows": judge.curve(work / name)})
        figures.add("judged", "picture", lambda: judge.picture(work, files.with_suffix(".webp")))
        cohorts = {"rebuilt": "reconstructions", "drawn": "synthetic"}
        real = lambda: read_cohort(work / "derivatives")  # noqa: E731
        for name in ("drawn", "rebuilt"):
            made = lambda name=name: read_cohort(work / cohorts[name])  # noqa: E731
            figures.add("judged", f"spectrum, {name}", lambda made=made: judge.spectrum(made(), real()))
            figures.add("judged", f"voxels, {name}", lambda made=made: judge.voxelwise(made(), real()))
        figures.add(
            "judged", "asymmetry", lambda: {n: judge.effect(table) for n, table in judge.asymmetries(work).items()}
        )

    def _steps(self, place: int, build: Callable[[], Any], seconds: float, name: str) -> int:
        """As many steps as fit into ``seconds``, by the time that one takes here; not more than were given, if any."""
        found = timed(build(), self.device, 3.0)
        release()
        most = self.given.steps[place] if self.given.steps else 10**6
        steps = min(max(20, int(USED * seconds / found["median_s"])), most)
        self.figures.found.setdefault("planned", {})[name] = found | {"steps": steps, "for_s": round(seconds, 1)}
        return steps

    def _places(self, *names: str) -> list[str]:
        models = ("autoencoder", "diffusion")
        where = {n: self.work / n / "model" if n in models else self.work / n for n in names}
        where |= {"splits": self.work / "splits.tsv"} if "splits" in names else {}
        return [word for name, path in where.items() for word in (f"--{name}", str(path))]

    def _recipe(self) -> list[str]:
        return ["--recipe", self.plan.recipe, *(word for one in self.changed for word in ("--set", one))]

    def _verb(self, words: list[str], seconds: float) -> dict[str, Any]:
        return verb(words, seconds, watched=self.watched)


def _paced(part: str, steps: int, name: str) -> list[str]:
    """So many steps, looked at and saved a few times."""
    often = max(1, steps // LOOKS)
    return [f"{name}={steps}", f"{part}.validate_every={often}", f"{part}.checkpoint_every={max(1, steps // 2)}"]


def _models(work: Path) -> list[str]:
    return ["--autoencoder", str(work / "autoencoder/model"), "--diffusion", str(work / "diffusion/model")]


def _own(work: Path) -> list[str]:
    return ["--recipe", str(work / "recipe.yaml")]


ALSO: dict[str, Callable[[Path], list[str]]] = {
    "tune": lambda work: [
        *("tune", "--diffusion", str(work / "diffusion/model"), "--latents", str(work / "latents")),
        *("--splits", str(work / "splits.tsv"), *_own(work)),
    ],
    "guarded": lambda work: [
        *("sample", *_models(work), "--out", str(work / "guarded"), "--n", "16", *_own(work)),
        *("--derivatives", str(work / "derivatives"), "--splits", str(work / "splits.tsv")),
    ],
    "counterfactual": lambda work: [
        *("counterfactual", str(work / "derivatives"), *_models(work), "--out", str(work / "counterfactual")),
        *("--subject", read_cohort(work / "derivatives").of_group("hc")[0], "--to", "group=tle side=left", *_own(work)),
    ],
    "classifier": lambda work: [
        *("train", "classifier", "--derivatives", str(work / "derivatives"), "--synthetic", str(work / "synthetic")),
        *("--splits", str(work / "splits.tsv"), "--out", str(work / "classifier"), *_own(work)),
    ],
    "evaluate": lambda work: ["evaluate", str(work)],
}
"""Verbs that a run can end with, to see that they work on a card."""
