"""What `dlcv auto` tried, what came of it, and why: the ladder, which its page shows."""

import gc
import logging
import time
from collections.abc import Callable
from typing import Any

import attrs

from dlcv.errors import DlcvError, first_line
from dlcv_plugins.commands.auto.candidates import Candidate
from dlcv_plugins.commands.auto.clock import Clock, OutOfTimeError, StoppedError
from dlcv_plugins.wording import duration

logger = logging.getLogger(__name__)
END_SECONDS = 8.0
"""For the test and the report, beside what the test images take."""


@attrs.frozen
class Rung:
    """What was tried, as the ladder shows it.

    Attributes:
        what: What it is.
        seconds: How long it took.
        candidate: What came of it; None if it failed.
        remark: Why it failed, or what is worth knowing.
    """

    what: str
    seconds: float
    candidate: Candidate | None = None
    remark: str = ""


@attrs.define(eq=False)
class Ladder:
    """What is tried within some time.

    Attributes:
        clock: The time.
        rungs: What was tried so far.
        reasons: What was decided so far and why, each with the time of it.
        reserve: Seconds that the test and the report take.
    """

    clock: Clock = attrs.field(kw_only=True)
    rungs: list[Rung] = attrs.field(factory=list, kw_only=True)
    reasons: list[tuple[str, str]] = attrs.field(factory=list, kw_only=True)
    reserve: float = attrs.field(default=END_SECONDS, kw_only=True)

    @property
    def candidates(self) -> list[Candidate]:
        """What was tried with success, the lowest validation loss first."""
        return sorted((r.candidate for r in self.rungs if r.candidate), key=lambda c: c.loss)

    @property
    def left(self) -> float:
        """Seconds that are left for trying."""
        return self.clock.left - self.reserve

    def say(self, text: str, *values: Any) -> None:
        """Logs a reason, and keeps it for the page."""
        minutes, seconds = divmod(int(self.clock.spent), 60)
        at, reason = f"{minutes}:{seconds:02d}", text % values
        self.reasons.append((at, reason))
        logger.info("[%s] %s", at, reason)

    def tried(
        self, what: str, limit: float, call: Callable[[], Candidate], *, is_needed: bool = False
    ) -> Candidate | None:
        """Tries something for so many seconds, and adds it to the ladder; None if it failed.

        Whatever goes wrong, such as a GPU without enough memory, what was tried before remains.

        Args:
            what: What it is.
            limit: Seconds.
            call: Tries it.
            is_needed: Whether nothing can go on without it.

        Raises:
            StoppedError: somebody asked to stop.
            Exception: it is needed, and fails.
        """
        start = time.monotonic()
        try:
            with self.clock.limited(limit):
                candidate = call()
        except StoppedError:
            raise
        except OutOfTimeError:
            self.add(Rung(what, time.monotonic() - start, remark="not finished in time"))
            return None
        except Exception as error:
            if is_needed:
                raise
            self.add(Rung(what, time.monotonic() - start, remark=failure(error)))
            return None
        finally:
            gc.collect()
        self.add(Rung(what, candidate.seconds, candidate))
        return candidate

    def add(self, rung: Rung) -> None:
        """Adds what was tried, and says what came of it."""
        self.rungs.append(rung)
        found = rung.candidate
        if found is None:
            self.say("%s: %s", rung.what, rung.remark)
            return
        self.say(
            "%s: validation accuracy %.2f %% (%d of %d), loss %.4f%s", rung.what,
            100 * found.accuracy, found.right, len(found.labels), found.loss,
            f", {duration(rung.seconds)}" if rung.seconds else "",
        )  # fmt: skip


def failure(error: Exception) -> str:
    """Returns why something failed, in a line."""
    return f"failed: {error if isinstance(error, DlcvError) else first_line(error)}"
