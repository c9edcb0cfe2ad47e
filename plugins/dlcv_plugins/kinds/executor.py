"""Executors: where the parts of work are done that splits by itself."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, TypeAlias, TypeVar

import attrs

from dlcv.interfaces import Plugin, plugin

Report = Callable[[int], None]
"""Is called with how much was done since the last call; may raise, to stop."""
Part = TypeVar("Part")
Made = TypeVar("Made")
Work: TypeAlias = Callable[[Part, Report], Made]
"""Does a part: it takes the part and what to report to, and returns what came of it."""


@attrs.frozen
class Needs:
    """What each part of some work needs.

    Attributes:
        threads: How many threads it computes with, one at least.
        has_network: Whether a network computes, for which a GPU is faster.
    """

    threads: int = 1
    has_network: bool = False


@plugin
class Executor(Plugin, ABC):
    """A place where parts of work are done, such as this process or a cluster.

    Attributes:
        is_elsewhere: Whether parts are done by other processes, which see the same folders.
    """

    kind: ClassVar[str] = "executor"
    is_elsewhere: ClassVar[bool] = True

    def running(self) -> AbstractContextManager[None]:
        """Connects to the place for the length of a block, in which `map` is called.

        Raises:
            DlcvError: nothing is there, or what it needs is not installed.
        """
        return nullcontext()

    @abstractmethod
    def map(
        self,
        work: Work[Part, Made],
        parts: Sequence[Part],
        *,
        at_once: int,
        needs: Needs,
        report: Report,
    ) -> Generator[Made, None, None]:
        """Yields what comes of each part, in order.

        Args:
            work: A function of a module, or a `functools.partial` of one, that can be pickled. A
                part whose worker is killed is done again, so it must not matter who does a part,
                and how often.
            parts: The parts, which can be pickled.
            at_once: How many parts this process does at once, where it is the one that does them.
            needs: What each part needs.
            report: Is called, in this process, with what `work` reports.

        Raises:
            DlcvError: a part failed, or can't be done; the others were stopped.
            KeyboardInterrupt: after ctrl+c; no part is being done any more.
            SystemExit: after SIGTERM, likewise.
        """

    def part_size(self, count: int, unit: int) -> int:
        """Returns how many of `count` equal things make a part.

        Args:
            count: How many there are.
            unit: The fewest that are worth a part; its size is a multiple of this.
        """
        return unit
