"""A confusion matrix of each epoch."""

import csv
import io
from pathlib import Path
from typing import Any

from dlcv import files
from dlcv.interfaces import Matrix, RunView, Tracker, plugin

FOLDER = "confusion"
"""The folder of the matrices in a run's folder."""


@plugin
class ConfusionByEpoch(Tracker):
    """Draws after each epoch which validation images are taken for which class.

    Each costs one pass more over the validation images. The run's folder gets `confusion/`, with
    `epoch_0001.png` and the counts as `epoch_0001.csv`. Where an optimizer keeps moving averages
    of the weights (`use_ema`), the matrix is of the weights themselves. Source: a Lasagne tutorial
    on image classification, part 2.
    """

    def epoch(self, run: RunView, row: dict[str, Any]) -> None:
        """Predicts the validation images with the network as it is, and writes both files."""
        from dlcv.api import Run, predict_labelled
        from dlcv_plugins.drawings.figures import save
        from dlcv_plugins.evaluators.confusion import Confusion

        # A view of a run need not have its network and its data at hand.
        if not isinstance(run, Run) or run.data is None:
            return
        predictions = predict_labelled(run.model, run.loader(run.data.splits["val"]))
        matrix = Confusion().evaluate(predictions).drawings["confusion"]
        assert isinstance(matrix, Matrix)
        path = run.path / FOLDER / f"epoch_{row['epoch']:04d}"
        path.parent.mkdir(exist_ok=True)
        _write_counts(matrix, path.with_suffix(".csv"))
        save(matrix, path.with_suffix(".png"))


def _write_counts(matrix: Matrix, path: Path) -> None:
    """Writes a row a true class, a column a predicted one."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["true \\ predicted", *matrix.names])
    rows = zip(matrix.names, matrix.values.tolist(), strict=True)
    writer.writerows([name, *counts] for name, counts in rows)
    files.write_atomically(path, text.getvalue())
