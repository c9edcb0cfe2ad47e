"""Pictures of searches for a learning rate."""

from pathlib import Path
from typing import TYPE_CHECKING

from dlcv import files
from dlcv_plugins.commands.lr_search.results import RangeTest, StepSearch

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_search(path: Path, found: StepSearch | RangeTest) -> None:
    """Draws what a search found, and writes the picture; its extension decides the format."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    if isinstance(found, RangeTest):
        _draw_range(axes, found)
    else:
        _draw_tries(axes, found)
    axes.axhline(
        found.even_guess, color="grey", linestyle=":", linewidth=1, label="loss of an even guess"
    )
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    with files.atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _draw_range(axes: "Axes", found: RangeTest) -> None:
    """Draws the loss over the rate: of each batch, and smoothed."""
    smoothed = found.smoothed
    axes.plot(found.rates, found.losses, "C0", alpha=0.35, linewidth=0.8, label="loss of a batch")
    axes.plot(found.rates[: len(smoothed)], smoothed, "C0", label="smoothed")
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss")
    if found.lowest is not None:
        lowest = found.lowest
        axes.plot(found.rates[lowest], smoothed[lowest], "C0o", label="lowest")
    if found.suggestion is not None:
        axes.axvline(
            found.suggestion, color="C3", linestyle="--", label=f"suggestion: {found.suggestion:g}"
        )
    if len(smoothed):
        # What diverges goes beyond the picture, or the rest could not be seen.
        axes.set_ylim(0, 1.2 * max(found.even_guess, *smoothed[: max(1, len(smoothed) // 2)]))


def _draw_tries(axes: "Axes", found: StepSearch) -> None:
    """Draws the training and the validation loss of each try by epoch."""
    from matplotlib.ticker import MaxNLocator

    for index, tried in enumerate(found.tries):
        epochs = range(1, len(tried.losses) + 1)
        suggested = tried.rate == found.suggestion
        label = f"rate {tried.rate:g}" + (", the suggestion" if suggested else "")
        form, width = f"oC{index}", 2.5 if suggested else 1
        axes.plot(epochs, tried.losses, f"-{form}", label=label, linewidth=width)
        axes.plot(epochs, tried.val_losses, f"--{form}", label="its validation", linewidth=width)
    axes.set(yscale="log", xlabel="epoch", ylabel="loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
