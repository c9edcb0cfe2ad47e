"""`dlcv data verify`: compares packed files with their checksums."""

import sys
from pathlib import Path

import click

from dlcv.api import is_quiet, table, with_verbosity


@click.command(
    epilog="""\b
Examples:
  dlcv data verify packed/

Exit codes: 0 all files are as they were packed, 1 one is damaged or missing.
"""
)
@click.argument("path", type=Path)
@with_verbosity
def verify(path: Path) -> None:
    """Compare a packed data set with the checksums that were recorded when it was packed."""
    from dlcv.api import shown_path
    from dlcv_plugins.commands.data.verify.verification import verify_files

    found = verify_files(path)
    rows = [
        *((name, "good") for name in found.good),
        *((name, "damaged") for name in found.damaged),
        *((name, "missing") for name in found.missing),
        *((name, "not recorded, so not checked") for name in found.unknown),
    ]
    click.echo(table(("file", "state"), rows))
    if not found.is_whole:
        bad = ", ".join([*found.damaged, *found.missing])
        for problem in found.damaged.values():
            click.echo(f"dlcv: {problem}", err=True)
        click.echo(f"\n{bad}: not as packed; copy it again, or pack the data set again")
        sys.exit(1)
    if is_quiet():
        return
    shown = shown_path(path.absolute())
    click.echo(f"\nall files are as they were packed\ntrain  dlcv run --data {shown}")
