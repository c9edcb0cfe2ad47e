"""What runs on a worker before it is known that dlcv is the same there: the standard library alone.

Ray sends this module's code along; everything else is imported from what the worker has installed.
"""

import importlib
import importlib.metadata
import os
import platform
import socket
from collections.abc import Iterable, Mapping
from typing import Any

PYTHON = "python"


def versions(names: Iterable[str]) -> dict[str, str]:
    """Returns the versions of distributions, and of `python`; empty for what is not installed."""
    return {name: _version(name) for name in names}


def do_part(
    expected: Mapping[str, str], folder: str, task: Any, part: bytes, amounts: Any
) -> tuple[str, Any]:
    """Does a part, unless this worker differs from the process that asks.

    Args:
        expected: The versions that must be installed.
        folder: The folder that the process works in, which paths are relative to.
        task: What is done with the part, in a list: Ray fetches only later what it refers to.
        part: The part, pickled.
        amounts: The actor `Amounts`.

    Returns:
        Why it is not done, or nothing; and what came of it.
    """
    here = versions(expected)
    differing = [name for name in expected if here[name] != expected[name]]
    if differing:
        found = ", ".join(f"{n} {here[n]}" if here[n] else f"no {n}" for n in differing)
        wanted = ", ".join(f"{n} {expected[n]}" if expected[n] else f"no {n}" for n in differing)
        return _refusal(f"has {found}, and here is {wanted}; install the same on both"), None
    try:
        os.chdir(folder)
    except OSError:
        return _refusal(f"has no folder {folder}; all machines must see the same folders"), None
    # By its name, it is imported from what the worker has installed.
    worker = importlib.import_module("dlcv_plugins.executors.ray.worker")
    return "", worker.do(task, part, amounts)


class Amounts:
    """How much of each part is done, until the process that shows it asks."""

    def __init__(self) -> None:
        """Begins with nothing."""
        self._amounts: dict[int, int] = {}

    def set(self, number: int, amount: int) -> None:
        """Takes how much of a part is done."""
        self._amounts[number] = amount

    def all(self) -> dict[int, int]:
        """Returns how much of each part is done, by its number."""
        return self._amounts


def _version(name: str) -> str:
    if name == PYTHON:
        return platform.python_version()
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _refusal(reason: str) -> str:
    return f"the worker on {socket.gethostname()} {reason}"
