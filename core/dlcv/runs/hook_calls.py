"""Calling hooks around a run, so that what one of them breaks costs no training.

What goes wrong before the first step ends the run, for nothing is lost then; what goes wrong later
is a warning. A `DlcvError` of a callback ends the training, as its author asked for.
"""

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from dlcv.errors import DlcvError, PluginError, first_line
from dlcv.interfaces import RunView
from dlcv.registry import registry
from dlcv.registry.index import DISABLE_VARIABLE

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


def started(run: RunView) -> None:
    """Calls the hooks of a run that begins or continues.

    Raises:
        DlcvError: a hook refuses, or is broken.
    """
    for owner, function in _implementations("dlcv_run_started"):
        _before_training(owner, function, run)


def callbacks(run: RunView) -> "list[keras.callbacks.Callback]":
    """Returns the callbacks to train with; one that fails is left out from then on.

    Raises:
        DlcvError: a hook refuses, or is broken.
    """
    from dlcv.training.callbacks import GuardedCallback

    return [
        GuardedCallback(callback, owner)
        for owner, function in _implementations("dlcv_callbacks")
        for callback in _callbacks(owner, _before_training(owner, function, run))
    ]


def finished(run: RunView) -> None:
    """Calls the hooks of a finished run, with its figures."""
    for owner, function in _implementations("dlcv_run_finished"):
        try:
            function(run=run, result=run.metrics)
        except Exception as error:
            logger.warning("the run is finished, but %s failed: %s", owner, first_line(error))
            logger.debug("%s failed", owner, exc_info=True)


def _implementations(name: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yields whose each implementation of a hook is, in words, and what calls it alone."""
    manager = registry.hook_manager()
    plugins = [i.plugin for i in reversed(getattr(manager.hook, name).get_hookimpls())]
    for plugin in plugins:
        others = [other for other in manager.get_plugins() if other is not plugin]
        caller = manager.subset_hook_caller(name, others)

        def call(caller: Callable[..., Any] = caller, **arguments: Any) -> Any:
            # An implementation that returns None adds nothing to pluggy's list.
            return next(iter(caller(**arguments)), ())

        yield f"{name} of {manager.get_name(plugin)}", call


def _callbacks(owner: str, given: Any) -> "list[keras.callbacks.Callback]":
    import keras

    is_list = isinstance(given, list | tuple)
    if is_list and all(isinstance(item, keras.callbacks.Callback) for item in given):
        return list(given)
    raise PluginError(f"{owner} must return a list of Keras callbacks, and returned {given!r}")


def _before_training(owner: str, function: Callable[..., Any], run: RunView) -> Any:
    try:
        return function(run=run)
    except DlcvError:
        raise
    except Exception as error:
        key = owner.partition(":")[2].partition("@")[0]
        raise PluginError(
            f"{owner} failed: {first_line(error)}"
            + (f"; {DISABLE_VARIABLE}={key} switches it off" if key else "")
        ) from error
