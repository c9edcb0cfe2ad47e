"""The best run."""

import click

from dlcv.errors import DlcvError


@click.command()
def best() -> None:
    """Tell which run in `runs` has the best rank-1 accuracy."""
    try:
        with open("runs/results.txt") as file:
            click.echo(max(file).strip())
    except OSError:
        raise DlcvError("there are no results; train with `dlcv run` first") from None
