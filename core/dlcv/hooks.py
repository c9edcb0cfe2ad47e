"""Hooks: what plugins may do around a run and its use, as pluggy specifications.

A package implements them in a module under the entry-point group `dlcv.hooks`, with `hook` as the
decorator; the modules are imported when a run begins or is loaded.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import keras

    from dlcv.interfaces import RunView

_specification = pluggy.HookspecMarker("dlcv")
hook = pluggy.HookimplMarker("dlcv")
"""Marks a function as the implementation of the hook of its name."""


@_specification
def dlcv_callbacks(run: "RunView") -> "list[keras.callbacks.Callback]":  # type: ignore[empty-body]
    """Returns Keras callbacks to train with; they run before dlcv's own."""


@_specification
def dlcv_run_started(run: "RunView") -> None:
    """Is called once the run's directory and network are there, before the first step."""


@_specification
def dlcv_run_finished(run: "RunView", result: dict[str, Any]) -> None:
    """Is called with the run's metrics by name, once everything is written."""


@_specification(firstresult=True)
def dlcv_opener(path: Path) -> Callable[[], Any] | None:
    """Returns what opens a folder that is no run for prediction; None where it holds no model.

    The folder is one that a person named to load, evaluate or predict with. What is opened is a
    `dlcv.api.Predictor`; looking must be quick, and opening may take its time.
    """
