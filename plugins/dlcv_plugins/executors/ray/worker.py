"""What a worker of a Ray cluster does with a part, once it is known to be fit for it."""

import logging
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import ray

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv_plugins.kinds.executor import Work

SECONDS_BETWEEN_REPORTS = 0.3
_kept: "dict[Any, Task]" = {}
"""The task of the last part: to unpickle a large data set takes a while."""


@attrs.frozen(eq=False)
class Task:
    """What is done with all parts; each machine fetches it once.

    Attributes:
        work: The function.
        threads: How many threads it computes with.
        variables: Environment variables that decide how.
        registered: Plugins that belong to no package, with their kinds and names.
    """

    work: Work[Any, Any]
    threads: int
    variables: dict[str, str]
    registered: tuple[tuple[str, str, Any], ...]


@attrs.frozen(eq=False)
class Done:
    """What came of a part.

    Attributes:
        result: What the function returned.
        amount: How much it reported in all.
        warnings: What it warned of: the name of a logger and the message, each.
        error: What the function raised, where that is an error that is expected.
    """

    result: Any
    amount: int
    warnings: list[tuple[str, str]]
    error: DlcvError | None = None


def do(reference: list[Any], pickled: bytes, amounts: Any) -> Done:
    """Does a part; `reference` holds that of a pickled `Task`, and `amounts` is the actor."""
    task = _task(reference[0])
    number, part = pickle.loads(pickled)  # noqa: S301 - it comes from the process that asks.
    amount, reported_at = 0, 0.0

    def report(count: int) -> None:
        nonlocal amount, reported_at
        amount += count
        if time.monotonic() - reported_at > SECONDS_BETWEEN_REPORTS:
            amounts.set.remote(number, amount)
            reported_at = time.monotonic()

    with _kept_warnings() as warnings:
        try:
            result = task.work(part, report)
        except DlcvError as error:
            return Done(None, amount, warnings, error)
        return Done(result, amount, warnings)


def _task(reference: Any) -> Task:
    """Returns a task, which each process fetches and prepares for once."""
    if reference not in _kept:
        _kept.clear()
        task: Task = pickle.loads(ray.get(reference))  # noqa: S301 - likewise.
        # TensorFlow, JAX and others read them when they are imported.
        os.environ.update(task.variables)
        os.environ.update(NPROC=str(task.threads), OMP_NUM_THREADS=str(task.threads))
        for kind, name, plugin in task.registered:
            if not registry.descriptors(kind, name):
                registry.register(kind, name, plugin)
        _kept[reference] = task
    return _kept[reference]


@contextmanager
def _kept_warnings() -> Iterator[list[tuple[str, str]]]:
    """Gives the warnings of the block, which the process that asks is to show."""
    found: list[tuple[str, str]] = []
    handler = _Kept(found)
    loggers = [logging.getLogger(name) for name in ("dlcv", "dlcv_plugins")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
    try:
        yield found
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


class _Kept(logging.Handler):
    """Keeps the messages that it gets."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__(logging.WARNING)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a message."""
        self._found.append((record.name, record.getMessage()))
