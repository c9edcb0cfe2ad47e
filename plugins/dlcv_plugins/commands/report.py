"""`dlcv report`: the page of a run, written again."""

from pathlib import Path

import click

from dlcv.cli.console import with_verbosity


@click.command(
    epilog="""\b
Examples:
  dlcv report runs/latest
"""
)
@click.argument("run", type=Path)
@with_verbosity
def report(run: Path) -> None:
    """Write the report of a finished run: figures, curves, mistakes, and what to do next.

    Every training ends with it; this is for older runs, and for evaluators that came since.
    """
    from dlcv.cli.run import shown_path
    from dlcv.report.write import write_report
    from dlcv.runs.load import load

    page = write_report(load(run))
    click.echo(f"look at  {shown_path(page)} ({page.stat().st_size / 1e6:.1f} MB)")
