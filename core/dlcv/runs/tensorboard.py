"""The curves of a run for TensorBoard: hooks that write them where the configuration says so."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcv.config import RunConfig
from dlcv.errors import DlcvError
from dlcv.hooks import hook

if TYPE_CHECKING:
    import keras

    from dlcv.runs.run import Run


def folder(run: "Run") -> Path:
    """Returns where a run's curves are written."""
    return run.path / "tensorboard"


def require(config: RunConfig) -> None:
    """Raises a `DlcvError` if a run is to write for TensorBoard and TensorBoard is missing.

    TensorFlow leaves the writing of figures to it.
    """
    if config.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise DlcvError(
            "tensorboard: the package tensorboard is not installed; `pip install tensorboard`, or "
            "train without --tensorboard: history.csv and curves.png hold the same curves"
        )


@hook
def dlcv_callbacks(run: "Run") -> "list[keras.callbacks.Callback]":
    """Returns Keras's own callback, with epochs that count on over stages."""
    if not run.config.tensorboard:
        return []
    require(run.config)
    import keras

    class Curves(keras.callbacks.TensorBoard):  # type: ignore[misc]
        """Writes figures by the epoch of the run; Keras counts those of a stage."""

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            # The epoch that ends has no row so far.
            super().on_epoch_end(len(run.history), logs)

    return [Curves(folder(run), write_graph=False)]
