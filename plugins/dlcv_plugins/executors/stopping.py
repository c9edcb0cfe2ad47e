"""Ending work that a signal stopped."""

import signal
import sys

from dlcv_plugins.training.interruption import Interruption


def end_if_asked(asked: Interruption) -> None:
    """Ends what is done as the signal would have that was noted, if one was.

    Raises:
        KeyboardInterrupt: it was ctrl+c.
        SystemExit: it was another.
    """
    if asked.signal == signal.SIGINT:
        raise KeyboardInterrupt
    if asked.signal:
        sys.exit(128 + asked.signal)


def signal_of(ending: KeyboardInterrupt | SystemExit) -> int:
    """Returns the number of the signal that `end_if_asked` raised something for."""
    if isinstance(ending, SystemExit):
        return int(str(ending.code)) - 128
    return signal.SIGINT
