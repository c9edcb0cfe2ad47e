"""Callbacks of plugins, kept from ending a training when they fail."""

import logging
from collections.abc import Callable
from typing import Any

import keras

from dlcv.errors import DlcvError

logger = logging.getLogger(__name__)


class Guarded(keras.callbacks.Callback):
    """Calls another callback until it raises; then warns, and calls it no more.

    A `DlcvError`, with which its author ends a training on purpose, passes.
    """

    def __init__(self, callback: keras.callbacks.Callback, owner: str) -> None:
        """Guards a callback; `owner` is named in the warning."""
        super().__init__()
        self._callback = callback
        self._owner = owner
        self._failed = False

    def call(self, method: str, *arguments: Any) -> None:
        """Calls a method of the callback, unless it has failed before."""
        if self._failed:
            return
        try:
            getattr(self._callback, method)(*arguments)
        except DlcvError:
            raise
        except Exception as error:
            self._failed = True
            logger.warning(
                "%s failed (%s: %s) and is left out from now on; the training goes on",
                self._owner,
                type(error).__name__,
                error,
            )
            logger.debug("%s failed", self._owner, exc_info=True)

    def set_params(self, params: dict[str, Any]) -> None:
        """Hands it on."""
        super().set_params(params)
        self.call("set_params", params)

    def set_model(self, model: keras.Model) -> None:
        """Hands it on."""
        super().set_model(model)
        self.call("set_model", model)


def _handing_on(method: str) -> Callable[..., None]:
    def hand_on(self: Guarded, *arguments: Any, logs: Any = None) -> None:
        self.call(method, *arguments, *(() if logs is None else (logs,)))

    return hand_on


for _occasion in ("train", "test", "predict", "epoch", *(
    f"{_kind}_batch" for _kind in ("train", "test", "predict")
)):  # fmt: skip
    for _moment in ("begin", "end"):
        setattr(Guarded, f"on_{_occasion}_{_moment}", _handing_on(f"on_{_occasion}_{_moment}"))
