"""`dlcv plugins new`: a package with a plugin that works, to begin with."""

import shlex
from pathlib import Path

import click

from dlcv.api import printed_alone, with_verbosity


@click.command(
    epilog="""\b
Examples:
  dlcv plugins new architecture dlcv-tinyvit
  dlcv plugins new preprocessor dlcv-posterise --out packages/posterise
  dlcv plugins new command dlcv-leaderboard
"""
)
@click.argument("kind")
@click.argument("name")
@click.option("--out", type=Path, help="The folder to write.  [default: the name]")
@with_verbosity
def new(kind: str, name: str, out: Path | None) -> None:
    """Write a package with a plugin that works: its tests, licence and CI, to be made your own.

    KIND is preprocessor, store, architecture, schedule, evaluator, classifier, grouping, check,
    section, trainer, tracker, exporter or executor; or command, hook, or family (plugins from a
    table). NAME is that of the package; the plugin is named after it, without "dlcv-".
    """
    from dlcv.api import shown_path
    from dlcv_plugins.commands.new_plugin.package import NewPackage

    package = NewPackage.named(kind, name)
    folder = out or Path(name)
    written = package.write(folder)
    shown = shown_path(folder.absolute())
    if printed_alone(shown):
        return
    quoted = shlex.quote(shown)
    for path in sorted(written):
        click.echo(f"wrote    {shown}/{path}")
    click.echo(f"\ninstall  pip install -e {shlex.quote(f'{shown}[test]')}")
    click.echo(f"test     pytest {quoted}\nlook     dlcv plugins {package.look}")
