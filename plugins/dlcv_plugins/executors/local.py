"""Parts that this process does."""

import threading
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import ClassVar, cast

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.executor import Executor, Made, Needs, Part, Report, Work

_STOPPED = object()
"""What comes of a part that did not come to its end."""


@plugin
class Local(Executor):
    """Does parts in this process, several at once in threads."""

    is_elsewhere: ClassVar[bool] = False

    def map(
        self,
        work: Work[Part, Made],
        parts: Sequence[Part],
        *,
        at_once: int,
        needs: Needs,
        report: Report,
    ) -> Generator[Made, None, None]:
        """Yields what comes of each part; a part stops when it reports, a single one at once."""
        if at_once > 1:
            return _in_threads(work, parts, at_once, report)
        return (work(part, report) for part in parts)


def _in_threads(
    work: Work[Part, Made], parts: Sequence[Part], at_once: int, report: Report
) -> Generator[Made, None, None]:
    from dlcv.api import read_ahead
    from dlcv_plugins.executors.stopping import end_if_asked
    from dlcv_plugins.training.interruption import deferred_signals

    stopping, lock = threading.Event(), threading.Lock()
    with deferred_signals() as asked:

        def checked(count: int) -> None:
            if asked.signal or stopping.is_set():
                raise _Stopped
            with lock:
                report(count)

        def do(part: Part) -> object:
            if asked.signal or stopping.is_set():
                return _STOPPED
            try:
                return work(part, checked)
            except _Stopped:
                return _STOPPED
            except BaseException:
                stopping.set()
                raise

        with closing(read_ahead(do, parts, at_once)) as found:
            for result in found:
                if result is not _STOPPED:
                    yield cast("Made", result)
        end_if_asked(asked)


class _Stopped(BaseException):
    """Ends a part that is not whole."""
