"""`dlcv resume`: go on with a run that was stopped."""

from pathlib import Path

import click

from dlcv.cli.console import with_verbosity


@click.command(epilog="Example: dlcv resume runs/latest")
@click.argument("run", type=Path)
@with_verbosity
def resume(run: Path) -> None:
    """Go on with a run that was stopped, to the same end as if it had not been."""
    from dlcv.cli.run import finish
    from dlcv.runs.train import resume as go_on

    finish(go_on(run))
