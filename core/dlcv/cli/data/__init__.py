"""`dlcv data`: work on data sets."""

import click

from dlcv.cli.lazy import LazyGroup

COMMANDS = {
    "show": "dlcv.cli.data.show:show",
    "advise": "dlcv.cli.data.advise:advise",
    "check": "dlcv.cli.data.check:check",
    "preview": "dlcv.cli.data.preview:preview",
    "build": "dlcv.cli.data.build:build",
    "verify": "dlcv.cli.data.verify:verify",
}
"""Where each command is, in the order of the help page."""


@click.group(cls=LazyGroup, places=COMMANDS)
def data() -> None:
    """Look at data sets, check them, and pack them."""
