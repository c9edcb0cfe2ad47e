"""`dlcv search`: settings of a run, tried out and compared on the validation images."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlcv.api import (
    RunConfig,
    SplitConfig,
    StageConfig,
    config_options,
    printed_alone,
    shown_path,
    table,
    with_verbosity,
)
from dlcv_plugins.executors.option import on_option

if TYPE_CHECKING:
    from dlcv_plugins.commands.search.search import Found


@click.command(
    epilog="""\b
Examples:
  dlcv search --data photos/ --arch minivggnet --vary "learning_rate=log(1e-4, 1e-1)"
  dlcv search --config run.toml --vary "architecture=[resnet, minivggnet]" \\
              --vary "preprocessors.affine.rotation=(0, 30)" --trials 40 --minutes 60
  dlcv search --config run.toml --vary "batch_size=[16, 32, 64]" --out searches/batch
  dlcv search --config run.toml --vary "batch_size=[16, 32, 64]" --threads 2 --on ray

The same command goes on with a search; in several terminals, they share its trials.
"""
)
@click.option(
    "--vary",
    multiple=True,
    metavar="NAME=VALUES",
    help="An option and its values: a range, (0, 30) or log(1e-4, 1e-1), or choices, [16, 32]; an "
    "option of a plugin by the plugin's name: preprocessors.affine.rotation. Repeat it for more.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Trials in all, those of earlier calls included.",
)
@click.option("--minutes", type=float, help="When to stop.  [default: after the trials]")
@config_options(RunConfig, "data", "architecture", "preprocessors", "input_size")
@config_options(StageConfig, "epochs")
@config_options(RunConfig, "batch_size")
@config_options(StageConfig, "optimizer")
@click.option("--learning-rate", type=float, help="The optimizer's learning rate.")
@config_options(StageConfig, "schedule", "early_stopping")
@config_options(SplitConfig, "test", "validation", "small_classes", "groups")
@config_options(RunConfig, "fraction", "evaluators", "precision", "seed", "threads", "bad_images")
@click.option("--config", help="A configuration file or a recipe; the options above go before it.")
@click.option(
    "--sampler",
    default="tpe",
    show_default=True,
    metavar="SPEC",
    help="Optuna's sampler: tpe, random, nsgaii, qmc.",
)
@click.option(
    "--pruner",
    default="median",
    show_default=True,
    metavar="SPEC",
    help="Optuna's pruner: median, hyperband, successive_halving, nop for none.",
)
@click.option(
    "--out",
    type=Path,
    default=Path("search"),
    show_default=True,
    help="The folder of the search; one that is there goes on.",
)
@click.option("--force", is_flag=True, help="Replace the search that is there.")
@on_option
@with_verbosity
def search(config: str | None, vary: tuple[str, ...], out: Path, **options: Any) -> None:
    """Search the settings of a run that validate best: each trial is a run, the best is tested."""
    from dlcv.errors import DlcvError

    try:
        import optuna  # noqa: F401
    except ImportError:
        raise DlcvError("dlcv search needs Optuna: pip install 'dlcv[search]'") from None
    from dlcv_plugins.commands.search.search import search as find

    found = find(config, vary=vary, out=out, **options)
    # With --force, the same command would begin anew.
    command = shlex.join(["dlcv", *(word for word in sys.argv[1:] if word != "--force")])
    if found.stopped_by:
        if found.trials:
            _print_table(found)
        click.echo(f"\nstopped; everything is saved. Continue with:\n  {command}", err=True)
        sys.exit(128 + found.stopped_by)
    if printed_alone(shown_path(found.search.folder)):
        return
    _print_table(found)
    if found.others:
        click.echo(
            f"\nother processes train {found.others} of the trials; the last of them tests the best"
        )
    _print_best(found)


def _print_table(found: "Found") -> None:
    from dlcv_plugins.commands.search.results import rows

    columns, shown = rows(found)
    click.echo("\n" + table(columns, shown))
    if more := len(found.trials) - len(shown):
        click.echo(f"and {more} more, which are on the page")


def _print_best(found: "Found") -> None:
    from dlcv_plugins.commands.search.results import optimism

    click.echo(f"\n{optimism(found)}\n\nlook at   {shown_path(found.page)}")
    if found.best is None:
        return
    best = shlex.quote(shown_path(found.best.path))
    click.echo(f"again     dlcv run --config {best}/run.toml")
    click.echo(f"evaluate  dlcv evaluate {best}\npredict   dlcv predict {best} IMAGE_OR_FOLDER")
