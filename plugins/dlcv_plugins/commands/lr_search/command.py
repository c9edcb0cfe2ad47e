"""`dlcv lr-search`: find a learning rate before training."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlcv.api import (
    FLAGS,
    RunConfig,
    SplitConfig,
    StageConfig,
    config_options,
    table,
    with_verbosity,
)

if TYPE_CHECKING:
    from dlcv_plugins.commands.lr_search.results import RangeTest, StepSearch

SHOWN_STEPS = 12
"""So many steps of a range test are listed."""

LABELS = "look at the images with their labels (dlcv data check, dlcv data show)"


@click.command(
    epilog="""\b
Examples:
  dlcv lr-search --data photos/ --arch minivggnet
  dlcv lr-search --data photos/ --arch minivggnet --optimizer "sgd(momentum=0.9)" --epochs 3
  dlcv lr-search --data packed/ --arch resnet56 --method range --steps 300
  dlcv lr-search --config runs/latest/run.toml --method range --out rates.png
"""
)
@config_options(RunConfig, "data", "architecture", "preprocessors", "input_size", "batch_size")
@config_options(StageConfig, "optimizer", "loss", "trainable", "class_weights")
@click.option(
    "--method",
    type=click.Choice(("steps", "range")),
    default="steps",
    show_default=True,
    help="Divide the rate by 10 until the loss falls steadily, or let it rise in one training.",
)
@click.option("--highest", type=float, help="The highest rate.  [default: 0.1; range: 1]")
@click.option("--lowest", type=float, help="The lowest rate.  [default: 0.0001; range: 0.000001]")
@click.option("--epochs", type=int, default=5, show_default=True, help="Epochs a try, for steps.")
@click.option("--steps", type=int, default=200, show_default=True, help="Steps of a range test.")
@config_options(SplitConfig, "test", "validation", "small_classes", "groups")
@config_options(RunConfig, "fraction", "precision", "seed", "threads", "bad_images", "jit_compile")
@click.option("--config", help="A configuration file or a recipe; the options above go before it.")
@click.option(
    "--out",
    type=Path,
    default=Path("learning-rate.png"),
    show_default=True,
    help="The picture; its extension decides the format.",
)
@click.option("--force", is_flag=True, help="Replace the picture.")
@with_verbosity
def lr_search(
    method: str,
    highest: float | None,
    lowest: float | None,
    epochs: int,
    steps: int,
    config: str | None,
    out: Path,
    force: bool,
    **options: Any,
) -> None:
    """Find a learning rate: try some on the network and the images, each for a short while."""
    from dlcv import files
    from dlcv_plugins.commands.lr_search.pictures import draw_search
    from dlcv_plugins.commands.lr_search.results import RangeTest
    from dlcv_plugins.commands.lr_search.search import search_learning_rate
    from dlcv_plugins.pictures import check_format

    check_format(out)
    files.refuse_existing(out, force=force)
    limits = {"highest": highest, "lowest": lowest, "epochs": epochs, "steps": steps}
    found = search_learning_rate(config, method=method, **limits, **options)  # type: ignore[arg-type]
    if known := bool(found.losses if isinstance(found, RangeTest) else found.tries):
        click.echo(_range_table(found) if isinstance(found, RangeTest) else _tries_table(found))
        click.echo()
    if found.stopped_by:
        click.echo("stopped     " + ("this is what is known so far" if known else "too early"))
    click.echo(f"suggestion  {_suggestion(found)}")
    if found.suggestion is not None:
        click.echo(f"\n{_next(config, options, found.suggestion)}")
    if known:  # Last, since a disk that is full must not take the figures with it.
        out.parent.mkdir(parents=True, exist_ok=True)
        draw_search(out, found)
        click.echo(f"picture     {out}")
    if found.stopped_by:
        sys.exit(128 + found.stopped_by)


def _tries_table(found: "StepSearch") -> str:
    """Returns what was tried, a rate a row."""
    rows = [
        (
            f"{t.rate:g}",
            len(t.losses),
            f"{t.losses[0]:.4g}",
            f"{t.losses[-1]:.4g}",
            f"{t.val_losses[-1]:.4g}",
            t.refusal or "usable: the loss falls steadily",
        )
        for t in found.tries
    ]
    return table(("rate", "epochs", "first loss", "last loss", "validation loss", "verdict"), rows)


def _range_table(found: "RangeTest") -> str:
    """Returns some steps of a range test, with the one whose loss is lowest, and the last."""
    smoothed, last = found.smoothed, len(found.losses) - 1
    steps = {round(i * last / (SHOWN_STEPS - 1)) for i in range(SHOWN_STEPS)}
    notes = {last: "the loss diverges" if found.diverged else ""}
    if found.lowest is not None:
        notes[found.lowest] = "lowest"
    rows = [
        (
            step + 1,
            f"{found.rates[step]:.2g}",
            f"{smoothed[step] if step < len(smoothed) else found.losses[step]:.4g}",
            notes.get(step, ""),
        )
        for step in sorted({*steps, *notes})
    ]
    return table(("step", "rate", "smoothed loss", ""), rows)


def _suggestion(found: "StepSearch | RangeTest") -> str:
    """Returns the suggested rate and where it comes from, or why there is none."""
    from dlcv_plugins.commands.lr_search.results import RangeTest

    rate = found.suggestion
    if isinstance(found, RangeTest):
        if rate is None:
            return (
                "none: the loss never falls below that of an even guess; let the test go on for "
                f"longer with --steps, and if it still does not, {LABELS}"
            )
        told = f"{rate:g}, a third of the rate at which the loss is lowest"
        if found.went_far_enough:
            return told
        return f"{told}; that is near the end of the test, so a higher rate may do: " + (
            "let it end" if found.stopped_by else "raise --highest"
        )
    if rate is not None:
        told = f"{rate:g}, the largest rate that can be used of those tried"
        if found.learns_by_heart:
            told += (
                "; but it learns the training images alone: the validation loss stays at that of "
                f"an even guess. If more --epochs do not change that, {LABELS}"
            )
        return told
    if found.stopped_by:
        return "none so far"
    if found.is_still_too_high:
        return "none: the lowest rate is still too high; try a lower --lowest"
    if not found.learns:
        return f"none: nothing is learned at any rate; try more --epochs, and {LABELS}"
    return "none: try more --epochs, or --method range"


def _next(config: str | None, options: dict[str, Any], rate: float) -> str:
    """Returns the command that trains with a rate as the search did, but on all images."""
    from dlcv.api import load_config

    if config is not None and len(load_config(config).stages) > 1:
        return f"use         it as the learning rate of the first stage of {config}"
    words = ["dlcv", "run"]
    for name, value in {"config": config, **options}.items():
        if value is not None and name != "fraction":
            words += [FLAGS.get(name, (f"--{name.replace('_', '-')}",))[0], str(value)]
    return f"train       {shlex.join([*words, '--learning-rate', f'{rate:g}'])}"
