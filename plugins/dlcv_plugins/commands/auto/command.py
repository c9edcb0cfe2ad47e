"""`dlcv auto`: the shortest way to the best model that the time allows."""

import shlex
import sys
from functools import partial
from typing import Any

import click

from dlcv.api import (
    RunConfig,
    SplitConfig,
    config_options,
    directory_options,
    printed_alone,
    shown_path,
    table,
    with_verbosity,
)
from dlcv_plugins.wording import duration


@click.command(
    epilog="""\b
Examples:
  dlcv auto photos/
  dlcv auto photos/ --minutes 30 --name flowers
  dlcv auto scans/ --groups "column(name=patient)" --base runs/other-scans
"""
)
@click.argument("data")
@click.option(
    "--minutes",
    type=float,
    default=10.0,
    show_default=True,
    help="The time for all of it.",
)
@click.option(
    "--base",
    "bases",
    multiple=True,
    metavar="SPEC|RUN",
    help="A network or a run to begin with; repeat it for more.  [default: every pretrained "
    "network whose weights are installed]",
)
@config_options(SplitConfig, "test", "validation", "small_classes", "groups")
@config_options(RunConfig, "evaluators", "seed", "threads", "bad_images")
@partial(directory_options, named="auto-data-number", also=", and what was tried for it")
@with_verbosity
def auto(data: str, **options: Any) -> None:
    """Find the best model that the time allows: transfer, fine-tuning, ensemble; tested once."""
    from dlcv_plugins.commands.auto.auto import auto as find
    from dlcv_plugins.commands.auto.page import COLUMNS, PAGE, ladder, tested

    found = find(data, **options)
    path = shown_path(found.run.path)
    if not printed_alone(path):
        click.echo("\n" + table(COLUMNS, ladder(found)))
        click.echo(f"\nrun       {path}\ntested    {tested(found)}")
        click.echo(f"time      {duration(found.seconds)}")
        click.echo(f"\nlook at   {path}/{PAGE} and {path}/report.html")
        quoted = shlex.quote(path)
        click.echo(
            f"evaluate  dlcv evaluate {quoted}\npredict   dlcv predict {quoted} IMAGE_OR_FOLDER"
        )
        tried = shown_path(found.tried)
        keep = "keep it if you want to train the winner again"
        use = keep if found.begins_with_tried else "remove it when you like"
        click.echo(f"others    {shlex.quote(tried)} has all runs that were tried; {use}")
    if found.stopped_by:
        click.echo("\nstopped; this is the best so far", err=True)
        sys.exit(128 + found.stopped_by)
