"""The curves of a run for TensorBoard."""

import functools
import importlib.util
import shlex
from pathlib import Path
from typing import Any

from dlcv.errors import DlcvError
from dlcv.interfaces import RunView, Tracker, plugin

FOLDER = "tensorboard"
"""The folder of the curves in a run's folder."""


@plugin
class TensorBoard(Tracker):
    """Writes loss, accuracy and learning rate of each epoch for TensorBoard."""

    def require(self) -> None:
        """Refuses to begin without the package, which writes the curves."""
        if importlib.util.find_spec("tensorboard") is None:
            raise DlcvError(
                "tensorboard: the package tensorboard is not installed; `pip install tensorboard`, "
                "or train without --tensorboard: history.csv and curves.png hold the same curves"
            )

    def epoch(self, run: RunView, row: dict[str, Any]) -> None:
        """Writes the row as `epoch_loss` and so on; epochs count from 0, as in Keras's files."""
        for name, value in row.items():
            if name not in ("stage", "epoch", "seconds"):
                split = "validation" if name.startswith("val_") else "train"
                writer = self._writer(run.path / FOLDER / split)
                writer.add_scalar(f"epoch_{name.removeprefix('val_')}", value, row["epoch"] - 1)
                writer.flush()

    def finished(self, run: RunView) -> None:
        """Closes the files."""
        self.stopped(run)

    def stopped(self, run: RunView) -> None:
        """Closes the files; a run that continues gets new ones."""
        for path in [path for path in self._writers if run.path in path.parents]:
            self._writers.pop(path).close()

    def command(self, run: RunView) -> str:
        """The command that starts TensorBoard."""
        from dlcv.api import shown_path

        return f"tensorboard --logdir {shlex.quote(shown_path(run.path / FOLDER))}"

    @functools.cached_property
    def _writers(self) -> dict[Path, Any]:
        return {}

    def _writer(self, folder: Path) -> Any:
        if folder not in self._writers:
            from tensorboard.summary import Writer

            self._writers[folder] = Writer(str(folder))
        return self._writers[folder]
