"""Several processes at one output folder: who may work in it, and who is at which subject.

One plain run holds the folder alone; any number of shards hold it together, and each takes a subject by creating the
subject's claim file, which only one process can do. A claim whose process is dead is taken over: known from its host,
boot, process id and start time on this machine, and from a heartbeat that stopped on any other.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tlesynth import durable
from tlesynth.errors import fail
from tlesynth.locking import taken
from tlesynth.progress import say

HEARTBEAT_S, LEASE_S = 60.0, 900.0


@dataclass(frozen=True)
class Owner:
    """A process, told apart from every other one on any host and after any reboot."""

    host: str
    boot: str
    pid: int
    started: str
    since: str

    @classmethod
    def me(cls) -> Owner:
        """This process, from now on."""
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        return cls(platform.node(), _boot(), os.getpid(), _started(os.getpid()), since)

    def is_dead(self, silent_s: float) -> bool:
        """Whether the process is gone; ``silent_s`` seconds without a heartbeat decide for another machine's."""
        if (self.host, self.boot) != (platform.node(), _boot()):
            return silent_s > LEASE_S
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return _started(self.pid) != self.started


def share(names: list[str], part: tuple[int, int]) -> list[str]:
    """The names that shard i of N does: every N-th of the sorted ones, whatever else runs."""
    number, of = part
    return sorted(names)[number - 1 :: of]


@contextlib.contextmanager
def holding(folder: Path, *, together: bool) -> Generator[None]:
    """Hold ``folder`` alone, or ``together`` with others that hold it so; the kernel lets go when the process ends.

    Raises:
        TlesynthError: OPS-010 naming the process that holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a+", encoding="utf-8") as file:
        if not taken(file, fcntl.LOCK_SH if together else fcntl.LOCK_EX):
            file.seek(0)
            raise fail("OPS-010", folder.parent, _holder(file.read()))
        file.truncate(0)
        file.write(json.dumps(asdict(Owner.me())))
        file.flush()
        yield


@contextlib.contextmanager
def one_at_a_time(file: Path) -> Generator[None]:
    """Wait until no other process is in such a block with the same ``file``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a", encoding="utf-8") as held:
        with contextlib.suppress(OSError):  # a file system without locks; the claims still keep the work apart
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _holder(text: str) -> str:
    try:
        owner = Owner(**json.loads(text))
    except (ValueError, TypeError):
        return "a process that did not say its name holds it"
    return f"process {owner.pid} on {owner.host} holds it since {owner.since}"


class Claims:
    """The claim files of ``folder``; those this process holds are kept alive while the block runs, then let go."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.me = folder, Owner.me()
        self.held: set[str] = set()
        self._over = threading.Event()

    def __enter__(self) -> Claims:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._beat = threading.Thread(target=self._keep_alive, daemon=True)
        self._beat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._beat.join()
        for name in list(self.held):
            self.release(name)

    def take(self, name: str) -> bool:
        """Claim a subject; no if another living process has it."""
        if not self._create(name) and not self._take_over(name):
            return False
        self.held.add(name)
        return True

    def granted(self, names: Iterable[str], done: Callable[[str], bool]) -> Iterator[str]:
        """Those of ``names`` that this process gets; one that another is at, or has done meanwhile, is not among them.

        Each is claimed when it is asked for; whoever did it lets it go.
        """
        for name in names:
            if not self.take(name):
                continue
            if done(name):
                self.release(name)
                continue
            yield name

    def release(self, name: str) -> None:
        """Let a subject go."""
        self.held.discard(name)
        (self.folder / name).unlink(missing_ok=True)

    def _create(self, name: str) -> bool:
        """Link a finished file to the claim's name: exclusive, whole, and sound on network file systems."""
        temporary = self.folder / f"{durable.TEMPORARY}{uuid.uuid4().hex}"
        temporary.write_text(json.dumps(asdict(self.me)), encoding="utf-8")
        try:
            os.link(temporary, self.folder / name)
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
        return True

    def _take_over(self, name: str) -> bool:
        with open(self.folder.parent / "takeover", "a", encoding="utf-8") as file:
            # One at a time: else two could both find a claim dead, and the slower undo the faster one's.
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
            claim = self.folder / name
            try:
                owner = Owner(**json.loads(claim.read_text(encoding="utf-8")))
                silent = self._now() - claim.stat().st_mtime
            except FileNotFoundError:
                return self._create(name)
            except (ValueError, TypeError):
                return False
            if not owner.is_dead(silent):
                return False
            say(f"{name}: taken over from process {owner.pid} on {owner.host}, which is gone")
            claim.unlink(missing_ok=True)
            return self._create(name)

    def _now(self) -> float:
        """The file system's clock, which may not be ours."""
        probe = self.folder / f"{durable.TEMPORARY}{uuid.uuid4().hex}"
        probe.touch()
        try:
            return probe.stat().st_mtime
        finally:
            probe.unlink()

    def _keep_alive(self) -> None:
        while not self._over.wait(HEARTBEAT_S):
            for name in list(self.held):
                with contextlib.suppress(FileNotFoundError):
                    os.utime(self.folder / name)


def _boot() -> str:
    """What changes with every boot, and between containers that share one."""
    identity = Path("/proc/sys/kernel/random/boot_id")
    boot = identity.read_text(encoding="ascii").strip() if identity.is_file() else ""
    namespace = Path("/proc/self/ns/pid")
    return f"{boot}/{os.readlink(namespace)}" if namespace.is_symlink() else boot


def _started(pid: int) -> str:
    """When a process started, in ticks since the boot, where the system tells."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
