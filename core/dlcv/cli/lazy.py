"""Groups of commands, and those whose commands are imported when they are used."""

import ast
import importlib
from collections.abc import Mapping

import click

from dlcv.errors import DlcvError, listing, suggestion
from dlcv.packages import module_file
from dlcv.registry.defaults import examples

LONGEST_SUMMARY = 200
"""Characters; longer ones would be cut, with dots."""


class Group(click.Group):
    """A group whose help page cuts no command's summary."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands with the whole first sentence of what they do."""
        rows = [(name, self.summary(context, name)) for name in self.list_commands(context)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def summary(self, context: click.Context, name: str) -> str:
        """Returns the first sentence of what a command does."""
        command = self.get_command(context, name)
        return "" if command is None else command.get_short_help_str(LONGEST_SUMMARY)


class CommandWithExamples(click.Command):
    """A command of the core whose examples, which name plugins, come with the plugins."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples that installed packages have, and the epilog."""
        if shown := examples(self.name or ""):
            formatter.write_paragraph()
            formatter.write("Examples:\n")
            for line in shown.strip().splitlines():
                formatter.write(f"  {line}\n")
        super().format_epilog(context, formatter)


class LazyGroup(Group):
    """A group whose commands are imported when used, and not for its help page."""

    def __init__(self, *args: object, places: Mapping[str, str] = {}, **options: object) -> None:
        """Makes a group.

        Args:
            args: What `click.Group` takes.
            places: Where each command is, as `module:attribute`, in the order of the help page.
            options: What `click.Group` takes.
        """
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._places = places

    @property
    def places(self) -> Mapping[str, str]:
        """Where each command is, as `module:attribute`, in the order of the help page."""
        return self._places

    def list_commands(self, context: click.Context) -> list[str]:
        """Returns the names in the order of the help page."""
        return list(self.places)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Imports a command; returns None if there is none of this name."""
        if name not in self.places:
            return None
        module, _, attribute = self.places[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def summary(self, context: click.Context, name: str) -> str:
        """Returns the first sentence of a command's docstring, read from its source."""
        module, _, attribute = self.places[name].partition(":")
        source = module_file(module)
        try:
            functions = ast.parse(source.read_bytes()).body if source else []
        except (OSError, SyntaxError, ValueError):
            functions = []
        named = (f for f in functions if isinstance(f, ast.FunctionDef) and f.name == attribute)
        text = next((ast.get_docstring(function) or "" for function in named), "")
        return click.Command(attribute, help=text).get_short_help_str(LONGEST_SUMMARY)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; an unknown one gets the nearest names."""
        if not args[0].startswith("-") and self.get_command(context, args[0]) is None:
            known = self.list_commands(context)
            hint = suggestion(args[0], known) or listing("there are", known)
            raise DlcvError(f'no command "{args[0]}"{hint}')
        return super().resolve_command(context, args)
