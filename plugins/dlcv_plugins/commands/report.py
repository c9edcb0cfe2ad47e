"""`dlcv report`: the page of a run, written again."""

from pathlib import Path

import click

from dlcv.api import printed_alone, with_verbosity


@click.command(
    epilog="""\b
Examples:
  dlcv report runs/latest
  dlcv report runs/latest --sections "headline, training_curves"
"""
)
@click.argument("run", type=Path)
@click.option(
    "--sections",
    metavar="SPECS",
    help="The sections in order; all stands for those that are not named.  [default: the run's]",
)
@with_verbosity
def report(run: Path, sections: str | None) -> None:
    """Write the report of a finished run: figures, curves, mistakes, and what to do next.

    Every training ends with it; this is for older runs, and for evaluators that came since.
    """
    from dlcv.api import load, shown_path
    from dlcv_plugins.report.write import write_report

    page = write_report(load(run), sections=sections)
    if printed_alone(shown_path(page)):
        return
    click.echo(f"look at  {shown_path(page)} ({page.stat().st_size / 1e6:.1f} MB)")
