"""The executor that work is handed to: of the block `on`, else this process."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from dlcv_plugins.executors.local import Local
from dlcv_plugins.kinds.executor import Executor, Made, Needs, Part, Report, Work

if TYPE_CHECKING:
    from dlcv.registry import Spec

ADDRESS = re.compile(r"(?P<name>\w+)://.+")
"""An address alone names the executor by its scheme: `ray://HOST:PORT`."""
_current: ContextVar[Executor] = ContextVar("executor", default=Local())  # noqa: B039


def executor() -> Executor:
    """Returns what does the parts of work."""
    return _current.get()


@contextmanager
def results_of(
    work: Work[Part, Made],
    parts: Sequence[Part],
    needs: Needs,
    *,
    doing: str,
    total: int,
    unit: str,
) -> Iterator[Iterator[Made]]:
    """Has parts done that show their own progress here, one after the other; gives what comes.

    Elsewhere they are done side by side, and one bar shows the progress of all.

    Args:
        work: What `Executor.map` takes, like the next two.
        parts: The parts.
        needs: What each part needs.
        doing: What is done, in words.
        total: How much all parts report.
        unit: Of what.
    """
    from dlcv.api import track

    there = executor()
    with ExitStack() as stack:
        report: Report = lambda count: None  # noqa: E731
        if there.is_elsewhere:
            report = stack.enter_context(track(doing, total, unit))
        results = there.map(work, parts, at_once=1, needs=needs, report=report)
        yield stack.enter_context(closing(results))


@contextmanager
def on(place: "str | Spec | Executor") -> Iterator[Executor]:
    """Has parts of work done somewhere else for the length of a block: `with dlcv.on("ray"):`.

    What is done there is what `--on` does: packing into shards, data checks, extraction, members,
    predictions, and searches. Whatever can't be divided is done here.

    Args:
        place: An executor: `ray`, an address such as `ray://HOST:PORT`, or `local` for here.

    Raises:
        DlcvError: there is no such executor, it can't be reached, or this is one of several
            processes that train together.
    """
    from dlcv import registry
    from dlcv_plugins.devices.processes import refuse_elsewhere

    if isinstance(place, str) and (match := ADDRESS.fullmatch(place.strip())):
        place = registry.Spec(match["name"], {"address": place.strip()})
    made: Executor = registry.create("executor", place)
    if made.is_elsewhere:
        refuse_elsewhere()
    with made.running():
        token = _current.set(made)
        try:
            yield made
        finally:
            _current.reset(token)
