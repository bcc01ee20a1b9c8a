"""The command line: parse, call one function, print where the result lies.

stdout carries the result, stderr the progress and the errors. Nothing here imports torch, so ``--help`` answers at
once.
"""

from __future__ import annotations

import errno
import os
import sys
import time
import traceback
from typing import Annotated

import typer

from tlesynth import __version__, progress
from tlesynth.cli import (
    cohorts,
    inspection,
    judging,
    models,
    predicting,
    preparing,
    pretrained,
    serving,
    study,
    whole,
)
from tlesynth.errors import EXIT_STATUSES, STOPPED, TlesynthError, fail

FIRST_ENDS_S = 15.0
"""How long one of several processes that failed waits for the first to end: after that it has failed alone."""

ABOUT = f"""Synthetic T1 brain MRI with and without temporal lobe epilepsy, measured honestly.

Start with [bold]tlesynth demo[/bold]. For your own scans: [bold]tlesynth run demo --input BIDS_DIR --out OUT[/bold].

Exit status: {"; ".join(f"{status} {meaning}" for status, meaning in EXIT_STATUSES.items())}.
"""

app = typer.Typer(
    help=ABOUT, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False
)
train = typer.Typer(help="Train one of the three networks.", no_args_is_help=True)

app.command("demo")(whole.demo)
app.command("run")(whole.run)
app.command("inspect")(cohorts.inspect)
app.command("simulate")(preparing.simulate)
app.command("preprocess")(preparing.preprocess)
app.command("split")(preparing.split)
app.add_typer(train, name="train")
train.command("autoencoder")(models.train_autoencoder)
train.command("diffusion")(models.train_diffusion)
train.command("classifier")(models.train_classifier)
app.command("import-weights")(pretrained.import_weights)
app.command("encode")(models.encode)
app.command("tune")(models.tune)
app.command("sample")(models.sample)
app.command("baseline")(models.baseline)
app.command("counterfactual")(models.counterfactual)
app.command("evaluate")(judging.evaluate)
app.command("augment-study")(judging.augment_study)
app.command("predict")(predicting.predict)
app.command("report")(judging.report)
app.add_typer(study.app, name="study")
study.app.command("serve")(serving.serve)
app.command("doctor")(inspection.doctor)
app.command("show")(inspection.show)
app.command("view")(serving.view)
app.add_typer(pretrained.app, name="weights")


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Options of every verb."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line and end the process with the status of what happened."""
    # Before torch is imported: threads that wait by spinning make a step many times slower as soon as any other
    # process wants a core of the same machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parent = os.getppid()
    try:
        status = app(prog_name="tlesynth", standalone_mode=False)
    except KeyboardInterrupt:
        status = 130
    except SystemExit as stop:
        # The reader of our output has gone (typer ends with 1 then); that is its right.
        status = 0 if type(sys.stdout).__name__ == "PacifyFlushWrapper" else stop.code
    except Exception as error:
        status = _status_alike(error, parent) or _told(error)
    sys.exit(status if isinstance(status, int) else 0)


def _status_alike(error: Exception, parent: int) -> int:
    """The status of a process that ends as the first of several does, which says why; 0 if it is the first or alone.

    It waits for the first to end, because Lightning kills the first as soon as another has ended badly. If the first
    goes on, this one has failed alone and must say so itself.
    """
    status = error.exit_status if isinstance(error, TlesynthError) else 1
    if not progress.silent():
        return 0
    if status == STOPPED and "TORCHELASTIC_RUN_ID" in os.environ:
        return status
    deadline = time.monotonic() + FIRST_ENDS_S
    while os.getppid() == parent and time.monotonic() < deadline:
        time.sleep(0.05)
    return status if status == STOPPED or os.getppid() != parent else 0


def _told(error: Exception) -> int:
    """Say what happened; the status it ends with."""
    if isinstance(error, TlesynthError):
        return _tell(error)
    if isinstance(error, typer.Abort):
        return 130
    if isinstance(error, MemoryError):
        return _tell(fail("RES-020"))
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return _tell(fail("RES-001", why=error.strerror or ""))
    return _usage(error) if hasattr(error, "format_message") else _bug(error)


def _tell(error: TlesynthError) -> int:
    if "--debug" in sys.argv:
        traceback.print_exception(error)
    print(error, file=sys.stderr)
    return error.exit_status


def _usage(error: Exception) -> int:
    """A fault in the command line itself, told by typer."""
    error.show()  # ty: ignore[missing-attribute]
    return 2


def _bug(error: Exception) -> int:
    if type(error).__name__ == "OutOfMemoryError":
        return _tell(fail("RES-020", why=str(error).splitlines()[0]))
    if "--debug" in sys.argv:
        traceback.print_exception(error)
    print(
        f"error[BUG] {type(error).__name__}: {error}. This is a fault of tlesynth. "
        "Do: run it again with --debug before the verb and report what it prints.",
        file=sys.stderr,
    )
    return 1


__all__ = ["app", "main"]
