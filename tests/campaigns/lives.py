"""A process that runs a command and gets a signal just before its n-th change of a file."""

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import forked

# What a process that begins anew sets before it imports TensorFlow, which is imported already here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.truncate"}
"""What Python's audit hooks call them; opening a file for writing is one, too."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
SECONDS = 300.0


def live(
    folder: Path,
    line: str,
    *,
    at: int = 0,
    number: int = signal.SIGKILL,
    must_end: bool = False,
    armed: tuple[Callable[..., Callable[[], None]], tuple[Any, ...]] | None = None,
    has_pictures: bool = True,
) -> tuple[int, int, str]:
    """Runs a command in a process, and sends it a signal just before its n-th change of a file.

    Args:
        folder: The folder to run it in.
        line: What follows `dlcv`.
        at: The change; 0 for none.
        number: The signal.
        must_end: Whether it is an error if it does not end well.
        armed: What to call in the process before, instead of counting changes, with arguments
            before the number that it may set; it returns what to call at the end.
        has_pictures: Whether runs draw curves and write reports.

    Returns:
        Its exit code, the number of changes, and what it printed to standard error.
    """
    changes = multiprocessing.get_context("forkserver").Value("i", 0)
    with tempfile.TemporaryDirectory() as kept:
        output, errors = Path(kept, "output"), Path(kept, "errors")
        command = ["dlcv", *line.replace(" --quiet", "").split(), "--quiet"]
        nothing = Path(os.devnull)
        arguments = (command, folder, [], dict(os.environ), nothing, output, errors, has_pictures)
        if armed is None:
            armed = _counting, (folder, at, number)
        process = forked.SERVER.Process(target=_life, args=(armed, changes, arguments))
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
            return 124, changes.value, f"{line} took more than {SECONDS:.0f} s"
        told = errors.read_text(errors="replace") if errors.exists() else ""
    if must_end and process.exitcode:
        raise AssertionError(f"dlcv {line} ended with {process.exitcode}: {told}")
    return process.exitcode, changes.value, told


def _life(armed: Any, changes: Any, arguments: tuple[Any, ...]) -> None:
    # What a shell starts in the background ignores ctrl+c, and so would this process.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    prepare, given = armed
    end = prepare(*given, changes)
    try:
        forked._run(*arguments)
    finally:
        end()


def _counting(folder: Path, at: int, number: int, changes: Any) -> Callable[[], None]:
    root = os.path.realpath(folder)
    sys.addaudithook(lambda event, args: _count(event, args, root, at, number, changes))
    return lambda: None


def _count(
    event: str, arguments: tuple[Any, ...], folder: str, at: int, number: int, changes: Any
) -> None:
    if event == "open":
        path, _, flags = arguments
        is_change = not isinstance(path, int) and bool(flags & WRITES)
    else:
        path, is_change = (arguments or ("",))[0], event in CHANGES
    # Names in a folder that is being removed are relative to it.
    if not is_change or not (
        _is_within(path, folder) or (event in ("os.remove", "os.rmdir") and arguments[-1] != -1)
    ):
        return
    with changes.get_lock():
        changes.value += 1
        is_at = changes.value == at
    if is_at:
        os.kill(os.getpid(), number)


def _is_within(path: Any, folder: str) -> bool:
    return os.path.realpath(os.path.dirname(os.fsdecode(path)) or ".").startswith(folder)
