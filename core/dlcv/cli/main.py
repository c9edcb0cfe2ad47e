"""The group of all commands, which packages offer under the entry-point group `dlcv.commands`."""

import importlib.metadata
from collections.abc import Mapping

import click

from dlcv import registry
from dlcv.cli.lazy import LazyGroup
from dlcv.errors import DlcvError, UnknownPluginError
from dlcv.registry.defaults import default_or_none, examples

USUAL_ORDER = "run, resume, evaluate, predict, plugins"
"""The order of the core's own commands on the help page."""


class Commands(LazyGroup):
    """The commands of all packages, the core's among them, in the order in which they are used."""

    @property
    def places(self) -> Mapping[str, str]:
        """Where each command is that is not disabled."""
        usable = [d for d in registry.descriptors("command") if not d.is_disabled]
        named = {registry.registry.usable_name(d): d.target for d in usable}
        order = [*_order(), *named]
        return {name: named[name] for name in sorted(named, key=order.index)}

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Imports a command; returns None if there is none of this name.

        Raises:
            PluginError: it is broken or disabled, or two packages claim its name.
        """
        try:
            command: click.Command = registry.get("command", name)
        except UnknownPluginError:
            return None
        return command

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes how to start, if an installed package says so."""
        self.epilog = examples("dlcv")
        super().format_epilog(context, formatter)

    def summary(self, context: click.Context, name: str) -> str:
        """Returns the first sentence of what a command does, or else where it comes from."""
        found = super().summary(context, name)
        return found or f"(of {registry.registry.find('command', name).distribution})"


def _order() -> list[str]:
    try:
        named = default_or_none("commands")
    except DlcvError:
        # Help must not depend on it.
        named = None
    return [name.strip() for name in (named or USUAL_ORDER).split(",")]


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"dlcv {importlib.metadata.version('dlcv')}")
        context.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Print the version.",
)  # fmt: skip
def dlcv() -> None:
    """From a folder of labelled images to a classifier that can be trusted and used."""
