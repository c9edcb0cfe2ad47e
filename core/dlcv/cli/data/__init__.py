"""`dlcv data`: work on data sets."""

import click

from dlcv.cli.lazy import LazyGroup

COMMANDS = {
    "build": "dlcv.cli.data.build:build",
}
"""Where each command is, in the order of the help page."""


@click.group(cls=LazyGroup, places=COMMANDS)
def data() -> None:
    """Look at data sets, check them, and pack them."""
