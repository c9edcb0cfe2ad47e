"""Hooks: what plugins may do around a run, as pluggy specifications.

A package implements them in a module under the entry-point group `dlcv.hooks`, with `hook` as the
decorator; the modules are imported by runs only.
"""

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
