"""The command `dlcv`, whose commands packages offer under the entry-point group `dlcv.commands`."""

import importlib.metadata

import click

from dlcv.cli.commands import Commands
from dlcv.registry.defaults import text_of


class Dlcv(Commands):
    """All commands, with how to start."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes how to start, if an installed package says so."""
        self.epilog = text_of("examples", "dlcv")
        super().format_epilog(context, formatter)


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"dlcv {importlib.metadata.version('dlcv')}")
        context.exit()


@click.group(
    cls=Dlcv, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Print the version.",
)  # fmt: skip
def dlcv() -> None:
    """From a folder of labelled images to a classifier that can be trusted and used."""
