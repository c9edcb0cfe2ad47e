"""`dlcv data`: work on data sets."""

import click

from dlcv.api import LazyGroup

COMMANDS = {
    "show": "dlcv_plugins.commands.data.show:show",
    "advise": "dlcv_plugins.commands.data.advise:advise",
    "check": "dlcv_plugins.commands.data.check.command:check",
    "preview": "dlcv_plugins.commands.data.preview:preview",
    "build": "dlcv_plugins.commands.data.build:build",
    "verify": "dlcv_plugins.commands.data.verify:verify",
}
"""Where each command is, in the order of the help page."""


@click.group(cls=LazyGroup, places=COMMANDS)
def data() -> None:
    """Look at data sets, check them, and pack them."""
