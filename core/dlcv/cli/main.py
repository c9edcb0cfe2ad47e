"""The group of all commands, each imported when it is used."""

import importlib
import importlib.metadata

import click

from dlcv.errors import DlcvError, suggestion

COMMANDS = {
    "run": "dlcv.cli.run:run",
    "resume": "dlcv.cli.resume:resume",
    "evaluate": "dlcv.cli.evaluate:evaluate",
    "predict": "dlcv.cli.predict:predict",
    "data": "dlcv.cli.data:data",
    "plugins": "dlcv.cli.plugins:plugins",
}
"""Where each command is, in the order of the help page."""


class LazyGroup(click.Group):
    """Commands that are imported when used, those of other packages included."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Returns the names, ours first."""
        return [*COMMANDS, *sorted(set(_foreign_commands()) - set(COMMANDS))]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Imports a command."""
        if name in COMMANDS:
            module, _, attribute = COMMANDS[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        if name not in _foreign_commands():
            return None
        entry_point = _foreign_commands()[name]
        try:
            command = entry_point.load()
        except (Exception, SystemExit) as error:
            raise DlcvError(f"the command {name} is broken: {error!r}") from error
        if not isinstance(command, click.Command):
            raise DlcvError(
                f"the command {name} is broken: {entry_point.value} is no click command"
            )
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; an unknown one gets the nearest names."""
        if not args[0].startswith("-") and self.get_command(context, args[0]) is None:
            known = self.list_commands(context)
            hint = suggestion(args[0], known) or f"; there are {', '.join(known)}"
            raise DlcvError(f'no command "{args[0]}"{hint}')
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands; those of other packages are named without being imported."""
        rows = []
        for name in self.list_commands(context):
            command = self.get_command(context, name) if name in COMMANDS else None
            foreign = _foreign_commands().get(name)
            origin = foreign.dist.name if foreign is not None and foreign.dist else ""
            rows.append((name, command.get_short_help_str(80) if command else f"(of {origin})"))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _foreign_commands() -> dict[str, importlib.metadata.EntryPoint]:
    from dlcv.index import entry_points

    return {entry_point.name: entry_point for entry_point in entry_points("dlcv.commands")}


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"dlcv {importlib.metadata.version('dlcv')}")
        context.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `dlcv run --arch resnet --preproc mean,patch`, which needs no data.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Print the version.",
)  # fmt: skip
def dlcv() -> None:
    """From a folder of labelled images to a classifier that can be trusted and used."""
