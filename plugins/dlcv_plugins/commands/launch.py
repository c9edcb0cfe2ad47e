"""`dlcv launch`: one training in several processes of this machine."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from dlcv.api import signals, with_verbosity
from dlcv.errors import DlcvError
from dlcv_plugins.devices.processes import ADDRESS, COUNT, INDEX, LOCAL_DEVICES

TOGETHER = ("run", "resume", "finetune")
"""The commands of which several processes train together."""
KILLED = 128 + 9
"""The exit code of a process that was killed, as the system does where memory is used up."""
SECONDS_ALONE = 5.0
"""How long the others may take to end by themselves once one has failed."""


@click.command(
    epilog="""\b
Examples:
  dlcv launch -n 2 -- dlcv run --data photos/ --batch-size 64
  dlcv launch -n 4 -- dlcv resume runs/latest

Several GPUs of one machine need no more than one process: dlcv run --devices 4
"""
)
@click.option(
    "-n", "--processes", "count", type=click.IntRange(min=1), required=True, help="How many."
)
@click.argument("command", nargs=-1, required=True)
@with_verbosity
def launch(count: int, command: tuple[str, ...]) -> None:
    """Train one network in several processes of this machine, as on several machines.

    The command follows after `--`. Each process computes its share of every batch; the first one
    writes the run, and its output is shown. Ctrl+c reaches all of them.
    """
    if command[0] != "dlcv" or command[1:2] not in [(name,) for name in TOGETHER]:
        raise DlcvError(
            f"dlcv launch starts dlcv {', '.join(TOGETHER)}, not `{' '.join(command[:2])}`: "
            "dlcv launch -n 2 -- dlcv run --data photos/"
        )
    if importlib.util.find_spec("jax") is None:
        raise DlcvError("several processes train together by JAX: pip install 'dlcv[jax]'")
    sys.exit(run_together([sys.executable, "-m", "dlcv", *command[1:]], count))


def run_together(command: list[str], count: int) -> int:
    """Runs a command in several processes, and returns the exit code of the worst.

    When one of them fails, the others are ended.

    Args:
        command: The command of each.
        count: How many there are.
    """
    with TemporaryDirectory(prefix="dlcv-launch-") as folder:
        outputs = [Path(folder, str(index)) for index in range(count)]
        codes = _codes_of_started(command, outputs)
        for index, (code, output) in enumerate(zip(codes, outputs, strict=True)):
            lines = output.read_text(errors="replace").splitlines() if index and code else []
            if code == KILLED:
                lines.append("killed by signal 9; too little memory may be why")
            for line in lines[-1:]:
                click.echo(f"process {index + 1} of {count}: {line}", err=True)
    return max(codes)


def _codes_of_started(command: list[str], outputs: list[Path]) -> list[int]:
    """Starts the processes, passes signals on to them, and returns their exit codes.

    None is left behind if they can't all be started, or a signal comes before they are.
    """
    processes: list[subprocess.Popen[bytes]] = []
    asked: list[int] = []

    def pass_on(number: int, _: object) -> None:
        asked.append(number)
        _send(number, processes)

    with signals.handled(pass_on):
        try:
            for process in _started(command, outputs):
                processes.append(process)
                if asked:
                    sys.exit(128 + asked[0])
            return _codes(processes)
        except BaseException:
            for process in processes:
                process.kill()
                process.wait()
            raise


def _started(command: list[str], outputs: list[Path]) -> Iterator[subprocess.Popen[bytes]]:
    """Starts one process after the other; the output of all but the first goes into files."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    for index, output in enumerate(outputs):
        # Each has a group of its own, or ctrl+c would reach it twice: from the terminal, and on.
        with open(output, "wb") as file:
            yield subprocess.Popen(
                command,
                env={
                    "KERAS_BACKEND": "jax",
                    LOCAL_DEVICES: str(index),
                    **os.environ,
                    ADDRESS: address,
                    COUNT: str(len(outputs)),
                    INDEX: str(index),
                },
                stdin=subprocess.DEVNULL,
                stdout=file if index else None,
                stderr=subprocess.STDOUT if index else None,
                process_group=0,
            )


def _send(number: int, processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.send_signal(number)


def _codes(processes: list[subprocess.Popen[bytes]]) -> list[int]:
    """Waits for all, and returns the exit codes of those that ended by themselves; 0 for others."""
    codes: dict[int, int] = {}
    ended_at: float | None = None
    while len(codes) < len(processes):
        time.sleep(0.02)
        for index, process in enumerate(processes):
            code = process.poll()
            if code is not None and index not in codes:
                codes[index] = code if code >= 0 else 128 - code
                ended_at = ended_at or (time.monotonic() if code else None)
        if ended_at and time.monotonic() - ended_at > SECONDS_ALONE:
            break
    for index, process in enumerate(processes):
        if index not in codes:
            process.kill()
            process.wait()
    return [codes.get(index, 0) for index in range(len(processes))]
