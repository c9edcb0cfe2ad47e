"""Chooses devices, and logs on what a run computes."""

import logging
from typing import Any

from dlcv import hook

logger = logging.getLogger(__name__)


@hook
def dlcv_devices(back_end: str) -> None:
    """Chooses what `--device` and `--devices` ask for, and joins the other processes."""
    from dlcv_plugins.devices.choice import choose

    choose(back_end)


@hook
def dlcv_run_started(run: Any) -> None:
    """Logs on what the run computes, and compares it with that of the other processes."""
    from dlcv_plugins.devices import processes
    from dlcv_plugins.devices.words import in_words

    processes.refuse_apart()
    logger.info("computes on %s", in_words(run.config.threads or 1))
    processes.compare(run)
