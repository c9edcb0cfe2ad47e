"""The group of all commands."""

import importlib.metadata

import click

from dlcv.cli.lazy import LONGEST_SUMMARY, LazyGroup
from dlcv.errors import DlcvError

COMMANDS = {
    "run": "dlcv.cli.run:run",
    "resume": "dlcv.cli.resume:resume",
    "finetune": "dlcv.cli.finetune:finetune",
    "transfer": "dlcv.cli.transfer:transfer",
    "extract": "dlcv.cli.extract:extract",
    "fit": "dlcv.cli.fit:fit",
    "evaluate": "dlcv.cli.evaluate:evaluate",
    "report": "dlcv.cli.report:report",
    "compare": "dlcv.cli.compare:compare",
    "predict": "dlcv.cli.predict:predict",
    "export": "dlcv.cli.export:export",
    "data": "dlcv.cli.data:data",
    "lr-search": "dlcv.cli.lr_search:lr_search",
    "recipes": "dlcv.cli.recipes:recipes",
    "schedules": "dlcv.cli.schedules:schedules",
    "inspect": "dlcv.cli.inspect:inspect",
    "look": "dlcv.cli.look:look",
    "plugins": "dlcv.cli.plugins:plugins",
}
"""Where each command is, in the order of the help page."""


class Commands(LazyGroup):
    """Our commands, and those of other packages."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Returns the names, ours first."""
        return [*self.places, *sorted(set(_foreign_commands()) - set(self.places))]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Imports a command."""
        if name in self.places or name not in _foreign_commands():
            return super().get_command(context, name)
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

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands; those of other packages are named without being imported."""
        rows = []
        for name in self.list_commands(context):
            command = self.get_command(context, name) if name in self.places else None
            foreign = _foreign_commands().get(name)
            origin = foreign.dist.name if foreign is not None and foreign.dist else ""
            summary = command.get_short_help_str(LONGEST_SUMMARY) if command else f"(of {origin})"
            rows.append((name, summary))
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
    cls=Commands,
    places=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `dlcv run --arch resnet --preproc mean,patch`, which needs no data.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Print the version.",
)  # fmt: skip
def dlcv() -> None:
    """From a folder of labelled images to a classifier that can be trusted and used."""
