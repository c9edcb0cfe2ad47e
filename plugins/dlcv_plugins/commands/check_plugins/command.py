"""`dlcv plugins check`: whether plugins keep the rules of their kind."""

import sys

import click

from dlcv.api import with_verbosity
from dlcv.errors import printable


@click.command(
    epilog="""\b
Examples:
  dlcv plugins check "posterise(levels=8)"
  dlcv plugins check dlcv-posterise
  dlcv plugins check posterise.py
  dlcv plugins check acme/vision.py:Posterise --kind preprocessor
"""
)
@click.argument("names", nargs=-1, required=True, metavar="NAME|FILE|DISTRIBUTION...")
@click.option("--kind", help="The kind, where plugins of several kinds have the name.")
@with_verbosity
def check(names: tuple[str, ...], kind: str | None) -> None:
    """Check that plugins keep the rules of their kind, as pytest would by `dlcv.testing`.

    A plugin may be named with options, or be all those of a package, or of a file of yours, which
    is then run. The exit code is 1 if a check fails.
    """
    from dlcv.api import backend
    from dlcv.testing import checks_for, problems_of
    from dlcv_plugins.commands.check_plugins.chosen import chosen

    # A mistyped name need not wait for Keras to start; a file may import Keras when it is run.
    found = {name: list(chosen(name, kind)) for name in names if ".py" not in name}
    backend.start(threads=1)
    is_bad = False
    for name in names:
        for plugin, options in found.get(name) or chosen(name, kind):
            count, problems = len(checks_for(plugin)), problems_of(plugin)
            title = f"{plugin.kind} {options}"
            if not problems:
                click.echo(f"{title}: all {count} checks pass")
                continue
            is_bad = True
            click.echo(f"{title}: {len(problems)} of {count} checks fail")
            for check_name, reason in problems.items():
                click.echo(f"  {check_name}: {printable(reason)}")
    if is_bad:
        sys.exit(1)
