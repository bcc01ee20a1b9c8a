"""What a training run leaves behind, and how the same command goes on with it.

::

    settings.json      what determines the run; another recipe is refused
    environment.json   versions, threads, device
    log.jsonl          events
    metrics.csv        step, phase, one column per figure
    tensorboard/       the same for TensorBoard
    refused.json       steps whose loss or gradient was not finite, if there were any
    checkpoints/       step-00000100/ (state.safetensors, state.json, manifest.json): the newest and the milestones;
                       best/ (and best-paper-sum/ of an autoencoder): of the last phase, without optimiser states
    done.json          written last
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import platform
import shutil
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlesynth import __version__, durable
from tlesynth.errors import TlesynthError, fail
from tlesynth.locking import LOCK, holding
from tlesynth.progress import say

if TYPE_CHECKING:
    import torch
    from torch.utils.tensorboard import SummaryWriter

MODELS = ("config.json", "model/config.json")
"""Where a folder that is no run may already hold a model."""
OPENED = {"settings.json", "environment.json", LOCK}
"""What a run leaves that never took a step."""
PACKAGES = ("torch", "torchvision", "diffusers", "timm", "antspyx", "nibabel", "nilearn", "numpy", "scipy")


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name, and everything else as JSON."""

    tensors: dict[str, torch.Tensor]
    state: dict[str, Any]


@dataclass(frozen=True)
class Keeping:
    """Which numbered checkpoints stay: the ``newest``, and every one whose step ``milestone_steps`` divides (0: none).

    Milestones outlive the run.
    """

    newest: int = 2
    milestone_steps: int = 0

    def is_milestone(self, step: int) -> bool:
        """Whether the checkpoint of ``step`` stays for good."""
        return self.milestone_steps > 0 and step % self.milestone_steps == 0


@dataclass
class RunFolder:
    """One training run on disk."""

    path: Path
    settings: dict[str, Any]
    keeping: Keeping = Keeping()
    leader: bool = True
    """Whether this process writes; of several that train together only the first does."""
    _board: SummaryWriter | None = field(default=None, repr=False)
    _rows: list[dict[str, Any]] = field(default_factory=list, repr=False)

    @classmethod
    def open(
        cls, path: Path, settings: dict[str, Any], keeping: Keeping = Keeping(), *, leader: bool = True
    ) -> RunFolder:
        """Create the run, or go on with the one that is there; ``keeping`` may change from one time to the next.

        A run that was refused before its first step (weights missing, a scan unreadable) leaves nothing that other
        settings would spoil: they take its place. Whoever is not the ``leader`` writes nothing, here or later.

        Raises:
            TlesynthError: CFG-010 if the folder was made with other settings, or holds a model of no run.
        """
        run = cls(Path(path), json.loads(json.dumps(settings, default=str)), keeping, leader)
        stored = run.path / "settings.json"
        if stored.is_file() and not (leader and run.unused):
            if changed := _differences(durable.read_json(stored, "CKP-001"), run.settings):
                raise fail("CFG-010", run.path, "these differ: " + ", ".join(changed[:8]))
        elif leader:
            run.refuse_strange_model()
            durable.write_json(stored, run.settings)
        if leader:
            durable.sweep(run.path)
            durable.write_json(run.path / "environment.json", environment())
        return run

    @classmethod
    @contextlib.contextmanager
    def held(
        cls, path: Path, settings: dict[str, Any], keeping: Keeping = Keeping(), *, leader: bool = True
    ) -> Generator[RunFolder]:
        """The same while the block runs, for the leader's process alone: two would spoil each other's checkpoints.

        Raises:
            TlesynthError: OPS-010 if another process holds the folder, and what ``open`` raises.
        """
        if not leader:
            yield cls.open(path, settings, keeping, leader=False)
            return
        cls(Path(path), settings).refuse_strange_model()  # first: a lock in a model's folder would damage it
        with holding(Path(path)):
            yield cls.open(path, settings, keeping)

    def refuse_strange_model(self) -> None:
        """Refuse a folder that is no run and holds a model.

        Raises:
            TlesynthError: CFG-010 if it is one.
        """
        own = next((place for place in MODELS if (self.path / place).is_file()), None)
        if own and not (self.path / "settings.json").is_file():
            raise fail("CFG-010", self.path / own, "a model stands there that this run did not make")

    @property
    def unused(self) -> bool:
        """Whether nothing stands here but what opening it wrote."""
        return self.path.is_dir() and {found.name for found in self.path.iterdir()} <= OPENED

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / "done.json").is_file()

    def finish(self, summary: dict[str, Any]) -> None:
        """Mark the run as done; of its numbered checkpoints the milestones stay."""
        if not self.leader:
            return
        durable.write_json(self.path / "done.json", summary)
        self._prune(newest=0)
        if self._board is not None:
            self._board.close()

    def log(self, event: str, **fields: Any) -> None:
        """Append one event to log.jsonl."""
        if not self.leader:
            return
        line = json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%S"), "event": event, **fields}, default=str)
        with open(self.path / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def log_metrics(self, step: int, phase: str, metrics: dict[str, float]) -> None:
        """Add a row of figures; the file itself is written at each checkpoint and at the end."""
        self._rows.append({"step": step, "phase": phase} | {k: round(v, 8) for k, v in metrics.items()})
        if not self.leader:
            return
        if self._board is None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self.path / "tensorboard"), purge_step=step)
        for name, value in metrics.items():
            self._board.add_scalar(name, value, step)

    def write_metrics(self) -> None:
        """Publish metrics.csv as it stands."""
        if not self.leader:
            return
        names = dict.fromkeys(name for row in self._rows for name in row)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        durable.write_text(self.path / "metrics.csv", text.getvalue())

    def rewind_metrics(self, step: int) -> None:
        """Read back metrics.csv and forget rows after ``step``: a resumed run repeats them."""
        if not (self.path / "metrics.csv").is_file():
            return
        with open(self.path / "metrics.csv", encoding="utf-8") as file:
            rows = [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]
        self._rows = [row for row in rows if int(row["step"]) <= step]

    def save(self, name: str, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
        """Publish a checkpoint folder, then remove the numbered ones that are not to be kept."""
        from safetensors.torch import save_file

        if not self.leader:
            return
        with durable.publishing(self.path / "checkpoints" / name) as folder:
            save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, folder / "state.safetensors")
            durable.write_json(folder / "state.json", state)
        self.write_metrics()
        self._prune(self.keeping.newest)

    def load(self, name: str) -> Checkpoint:
        """Read a checkpoint after checking its manifest.

        Raises:
            TlesynthError: CKP-001 if it is missing or damaged.
        """
        from safetensors.torch import load_file

        folder = self.path / "checkpoints" / name
        durable.verify(folder)
        return Checkpoint(load_file(folder / "state.safetensors"), durable.read_json(folder / "state.json", "CKP-001"))

    def load_newest(self) -> Checkpoint | None:
        """The newest sound numbered checkpoint; a damaged one is passed over aloud.

        Raises:
            TlesynthError: CKP-002 if there are checkpoints and none is sound.
        """
        steps = self._steps()
        for folder in reversed(steps):
            try:
                return self.load(folder.name)
            except TlesynthError as error:
                say(f"{error} Going back to the checkpoint before it.")
                self.log("damaged checkpoint", error=str(error))
        if steps:
            raise fail("CKP-002", self.path)
        return None

    def _prune(self, newest: int) -> None:
        steps = self._steps()
        for stale in steps[: len(steps) - newest]:
            if not self.keeping.is_milestone(int(stale.name.removeprefix("step-"))):
                shutil.rmtree(stale)

    def _steps(self) -> list[Path]:
        return sorted((self.path / "checkpoints").glob("step-*"))


def read_model_config(folder: Path, format_name: str, needed: tuple[str, ...] = ()) -> dict[str, Any]:
    """The config.json of a model folder, once every file agrees with the manifest.

    Raises:
        TlesynthError: MOD-004 if it is no such folder, of another format or lacks one of the keys ``needed``, CKP-001
            if a file is damaged.
    """
    durable.put_back(folder)
    if not (folder / "config.json").is_file():
        raise fail("MOD-004", folder, "there is no config.json" if folder.is_dir() else "there is no such folder")
    durable.verify(folder)
    config = durable.read_json(folder / "config.json", "MOD-004")
    if not isinstance(config, dict):
        raise fail("MOD-004", folder / "config.json", "it holds no keys")
    if config.get("format") != format_name:
        raise fail("MOD-004", folder, f"the format is {config.get('format')!r}, not {format_name!r}")
    if missing := [key for key in needed if key not in config]:
        raise fail("MOD-004", folder / "config.json", f"it lacks {', '.join(missing)}")
    return config


def environment() -> dict[str, Any]:
    """Versions, threads and device: what the same bits depend on."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
    return {
        "tlesynth": __version__,
        "python": sys.version.split()[0],
        "platform": platform.system(),
        "packages": {name: _version(name) for name in PACKAGES},
        "threads": torch.get_num_threads(),
        "device": device,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Dotted names of what differs between two JSON values."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = list(dict.fromkeys([*old, *new]))
        return [d for k in keys for d in _differences(old.get(k), new.get(k), f"{path}.{k}".lstrip("."))]
    return [] if old == new else [path]
