"""Work in processes of this machine."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from dlcv.interfaces import Executor, Needs, option, plugin


@plugin
class Processes(Executor):
    """Does parts in several processes of this machine."""

    count: int = option(2, help="how many processes", ge=1)

    def map(
        self,
        work: Callable[[Any, Callable[[int], None]], Any],
        parts: Sequence[Any],
        *,
        at_once: int,
        needs: Needs,
        report: Callable[[int], None],
    ) -> Generator[Any, None, None]:
        """Yields what comes of each part, in order."""
        # A process that is forked could wait for ever for a lock of the one that it comes from.
        with ProcessPoolExecutor(self.count, get_context("spawn")) as pool:
            for result, amount in pool.map(done, [work] * len(parts), parts):
                report(amount)
                yield result


def done(work: Callable[[Any, Callable[[int], None]], Any], part: Any) -> tuple[Any, int]:
    """Does a part, and returns what came of it with all that it reported."""
    amounts: list[int] = []
    return work(part, amounts.append), sum(amounts)
