"""`dlcv data`: work on data sets."""

import click

from dlcv.api import LazyGroup

COMMANDS = {
    "show": "dlcv_plugins.commands.data.show.command:show",
    "advise": "dlcv_plugins.commands.data.advise:advise",
    "check": "dlcv_plugins.commands.data.check.command:check",
    "preview": "dlcv_plugins.commands.data.preview.command:preview",
    "build": "dlcv_plugins.commands.data.pack.command:build",
    "verify": "dlcv_plugins.commands.data.verify.command:verify",
}
"""Where each command is, in the order of the help page."""


@click.group(cls=LazyGroup, places=COMMANDS)
def data() -> None:
    """Show, check, preview and pack data sets."""
