"""`dlcv data`: work on data sets."""

import click

from dlcv.api import Commands


@click.group(cls=Commands, within="data")
def data() -> None:
    """Show, check, preview and pack data sets."""
