"""A picture of learning rates over the epochs."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dlcv import files


def draw_rates(path: Path, rates: Mapping[str, np.ndarray], steps_per_epoch: int) -> None:
    """Draws learning rates by epoch, and writes the picture.

    Args:
        path: The picture's file; its extension decides the format.
        rates: The rate of every step, `(steps,)`, by the name of the curve.
        steps_per_epoch: Steps an epoch.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for index, (name, values) in enumerate(rates.items()):
        # Curves that lie on each other, such as poly and linear, are both to be seen.
        style = ("-", "--", "-.", ":")[index % 4]
        epochs = np.arange(len(values)) / steps_per_epoch
        axes.plot(epochs, values, f"C{index % 10}", label=name, linestyle=style)
    axes.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
    axes.ticklabel_format(axis="y", scilimits=(-3, 3))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    with files.atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
