"""The group of all commands: those of the core, and those that plugins add."""

import ast
import importlib.metadata
import importlib.util
from pathlib import Path

import click

from dlcv.cli.lazy import LONGEST_SUMMARY, LazyGroup
from dlcv.errors import DlcvError
from dlcv.registry.index import entry_points, origin

COMMANDS = {
    "run": "dlcv.cli.run:run",
    "resume": "dlcv.cli.resume:resume",
    "evaluate": "dlcv.cli.evaluate:evaluate",
    "predict": "dlcv.cli.predict:predict",
    "plugins": "dlcv.cli.plugins:plugins",
}
"""Where each of the core's commands is, in the order of the help page."""


class Commands(LazyGroup):
    """The core's commands, and those of the entry-point group `dlcv.commands`."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Returns the names, the core's first."""
        return [*self.places, *(name for name in _added() if name not in self.places)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Imports a command."""
        if name in self.places or name not in _added():
            return super().get_command(context, name)
        entry_point = _added()[name]
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
        """Lists the commands with the first sentence of what they do; none is imported."""
        places = {name: (place, "dlcv") for name, place in self.places.items()}
        for name, entry_point in _added().items():
            places.setdefault(name, (entry_point.value, origin(entry_point)[0]))
        rows = [(name, _summary(*places[name])) for name in self.list_commands(context)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _added() -> dict[str, importlib.metadata.EntryPoint]:
    return {entry_point.name: entry_point for entry_point in entry_points("dlcv.commands")}


def _summary(place: str, origin: str) -> str:
    """Returns the first sentence of a command's docstring, read from its source, not by importing.

    Args:
        place: Where the command is, as `module:attribute`.
        origin: The distribution that it came with, which stands for a sentence that is missing.
    """
    module, _, attribute = place.partition(":")
    source = _source(module)
    try:
        functions = ast.parse(source.read_bytes()).body if source else []
    except (OSError, SyntaxError, ValueError):
        functions = []
    named = (f for f in functions if isinstance(f, ast.FunctionDef) and f.name == attribute)
    text = next((ast.get_docstring(function) or "" for function in named), "")
    return (
        click.Command(attribute, help=text).get_short_help_str(LONGEST_SUMMARY) or f"(of {origin})"
    )


def _source(module: str) -> Path | None:
    """Returns a module's file; `find_spec` would import the packages around it."""
    top, *inner = module.split(".")
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None:
        return None
    if not inner:
        return Path(found.origin)
    path = Path(found.origin).parent.joinpath(*inner)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


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
