"""Observers: the hooks and trackers of a run, so that what one of them breaks costs no training.

What goes wrong before the first step ends the run, for nothing is lost then; what goes wrong later
is a warning. A `DlcvError` of a callback ends the training, as its author asked for.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from dlcv.config import RunConfig
from dlcv.errors import DlcvError, PluginError, first_line
from dlcv.interfaces import RunView, Tracker
from dlcv.packages import DISABLE_VARIABLE
from dlcv.registry import registry
from dlcv.registry.guard import Guard, notifier

if TYPE_CHECKING:
    import keras

Result = TypeVar("Result")


class Observers:
    """Calls hooks, and the trackers that a configuration names, around one run."""

    def __init__(self, config: RunConfig) -> None:
        """Makes the trackers; raises `DlcvError` if one can't be made."""
        made: list[Tracker] = registry.create_list("tracker", config.trackers)
        names = [spec.name for spec in config.trackers]
        self._trackers = [(t, Guard(f"tracker {n}")) for t, n in zip(made, names, strict=True)]
        self._notify_of_epoch = notifier("dlcv_epoch")
        self._is_finished = False

    def require(self) -> None:
        """Raises a `DlcvError` if a tracker can't work here; nothing is written so far."""
        for tracker, guard in self._trackers:
            _before_training(guard.owner, tracker.require)

    @contextmanager
    def following(self, run: RunView) -> Iterator[None]:
        """Calls `started`, and `stopped` where the block ends without `finished`.

        Raises:
            DlcvError: a hook or a tracker refuses, or is broken.
        """
        self.started(run)
        try:
            yield
        finally:
            if not self._is_finished:
                self._call_trackers("stopped", run)

    def started(self, run: RunView) -> None:
        """Calls what wants to know that a run begins, or goes on.

        Raises:
            DlcvError: a hook or a tracker refuses, or is broken.
        """
        self.require()
        registry.hook_manager().call("dlcv_run_started", _before_training, run=run)
        for tracker, guard in self._trackers:
            _before_training(guard.owner, partial(tracker.started, run))

    def callbacks(self, run: RunView) -> "list[keras.callbacks.Callback]":
        """Returns the callbacks to train with; one that fails is left out from then on.

        Raises:
            DlcvError: a hook refuses, or is broken.
        """

        def made(owner: str, function: Callable[[], Any]) -> Any:
            given = _before_training(owner, function) or ()
            return [guarded(c, Guard(owner, DlcvError).call) for c in _callbacks(owner, given)]

        lists = registry.hook_manager().call("dlcv_callbacks", made, _before_training, run=run)
        return [callback for given in lists for callback in _callbacks("dlcv_callbacks", given)]

    @contextmanager
    def prepared(self, stage: Result) -> Iterator[Result]:
        """Gives the stage that is trained in the place of one, after what each hook makes of it.

        Raises:
            DlcvError: a hook refuses, or is broken.
        """
        with ExitStack() as stack:
            for owner, hook in registry.hook_manager().implementations("dlcv_stage"):
                function: Callable[[], Any] = partial(hook.function, *[stage] * len(hook.argnames))
                if context := _before_training(owner, function):
                    stage = _before_training(owner, partial(stack.enter_context, context))
            yield stage

    def epoch(self, run: RunView, row: dict[str, float]) -> None:
        """Calls hooks and trackers with an epoch's row of the history."""
        self._notify_of_epoch(run=run, row=row)
        self._call_trackers("epoch", run, row)

    def finished(self, run: RunView) -> None:
        """Calls what wants to know that a run is finished, with its figures."""
        self._is_finished = True

        def call(owner: str, function: Callable[[], Any]) -> None:
            Guard(owner).call(function)

        registry.hook_manager().call("dlcv_run_finished", call, run=run, result=run.metrics)
        self._call_trackers("finished", run)

    def _call_trackers(self, method: str, run: RunView, *arguments: Any) -> None:
        for tracker, guard in self._trackers:
            guard.call(getattr(tracker, method), run, *arguments)


def hooked(config: RunConfig) -> RunConfig:
    """Returns what hooks make of a configuration; raises `DlcvError` if one refuses it."""
    for owner, hook in registry.hook_manager().implementations("dlcv_configured"):
        made: Callable[[], Any] = partial(hook.function, *[config] * len(hook.argnames))
        config = _before_training(owner, made) or config
        if not isinstance(config, RunConfig):
            raise PluginError(f"{owner} must return a RunConfig or None, and returned {config!r}")
    return config


def guarded(
    callback: "keras.callbacks.Callback", guard: Callable[..., None]
) -> "keras.callbacks.Callback":
    """Returns a callback that calls another by a guard, which decides what happens if it raises."""
    import keras

    guarding = keras.callbacks.Callback()
    for name in dir(keras.callbacks.Callback):
        if name.startswith(("on_", "set_")):
            setattr(guarding, name, partial(guard, getattr(callback, name)))
    return guarding


def _callbacks(owner: str, given: Any) -> "list[keras.callbacks.Callback]":
    import keras

    is_list = isinstance(given, list | tuple)
    if is_list and all(isinstance(item, keras.callbacks.Callback) for item in given):
        return list(given)
    raise PluginError(f"{owner} must return a list of Keras callbacks, and returned {given!r}")


def _before_training(owner: str, function: Callable[[], Result]) -> Result:
    try:
        return function()
    except DlcvError:
        raise
    except Exception as error:
        key = owner.partition(":")[2].partition("@")[0]
        raise PluginError(
            f"{owner} failed: {first_line(error)}"
            + (f"; {DISABLE_VARIABLE}={key} switches it off" if key else "")
        ) from error
