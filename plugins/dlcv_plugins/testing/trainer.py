"""Checks of trainers.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlcv.api import RunConfig
from dlcv.errors import DlcvError
from dlcv.interfaces import Plugin, Trainer
from dlcv.testing import Check


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for trainers."""
    return (
        check_ordinary_configuration_is_not_claimed,
        check_loading_needs_a_run,
        check_resuming_needs_a_run,
    )


def check_ordinary_configuration_is_not_claimed(trainer: Trainer) -> None:
    """A configuration that asks for nothing special is trained in stages of gradient descent."""
    claimed = type(trainer).claims(RunConfig())
    assert claimed is False, (
        f"claims() returns {claimed!r} for the default configuration; return True only for what "
        "asks for this trainer, and False otherwise"
    )


def check_loading_needs_a_run(trainer: Trainer) -> None:
    """A folder that holds no run is refused with a `DlcvError`."""
    _refuses_a_folder(lambda path: trainer.load(path, checkpoint="last", method=None), "load()")


def check_resuming_needs_a_run(trainer: Trainer) -> None:
    """A folder that holds no run is not continued."""
    _refuses_a_folder(lambda path: trainer.resume(path, from_epoch=None, changes={}), "resume()")


def _refuses_a_folder(call: Callable[[Path], Any], name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            call(Path(folder))
        except DlcvError:
            return
    raise AssertionError(f"{name} accepts a folder that holds no run; raise a DlcvError")
