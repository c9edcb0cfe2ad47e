"""Groups of commands, which are imported when they are used."""

import ast
from collections.abc import Mapping

import click

from dlcv import registry
from dlcv.errors import DlcvError, UnknownPluginError, listing, suggestion
from dlcv.packages import module_file
from dlcv.registry.defaults import default_or_none, text_of
from dlcv.registry.lookup import Descriptor

USUAL_ORDER = "run, resume, evaluate, predict, plugins"
"""The order of the core's own commands on the help page."""

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
        if shown := text_of("examples", self.name or ""):
            formatter.write_paragraph()
            formatter.write("Examples:\n")
            for line in shown.strip().splitlines():
                formatter.write(f"  {line}\n")
        super().format_epilog(context, formatter)


class Commands(Group):
    """A group of the commands that packages offer under the entry-point group `dlcv.commands`.

    A plain name is a command of `dlcv`; `data.build` is the command `build` of the group `data`.
    None is imported before it is used, also for the help page.
    """

    def __init__(self, *args: object, within: str = "", **options: object) -> None:
        """Makes a group.

        Args:
            args: What `click.Group` takes.
            within: The group's own name; empty for `dlcv` itself.
            options: What `click.Group` takes.
        """
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._prefix = f"{within}." if within else ""

    @property
    def places(self) -> Mapping[str, str]:
        """Where each command is, as `module:attribute`, in the order of the help page."""
        found = [d for d in registry.descriptors("command", f"{self._prefix}*") if self._holds(d)]
        named = {registry.registry.usable_name(d): d.target for d in found}
        order = [*_order(), *named]
        return {
            name.removeprefix(self._prefix): named[name] for name in sorted(named, key=order.index)
        }

    def list_commands(self, context: click.Context) -> list[str]:
        """Returns the names in the order of the help page."""
        return list(self.places)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Imports a command; returns None if there is none of this name.

        Raises:
            PluginError: it is broken or disabled, or two packages claim its name.
        """
        try:
            command: click.Command = registry.get("command", self._named(name))
        except UnknownPluginError:
            return None
        return command

    def summary(self, context: click.Context, name: str) -> str:
        """Returns the first sentence of a command's docstring, read from its source.

        Where there is none, the package that it comes from is named.
        """
        descriptor = registry.registry.find("command", self._named(name))
        module, _, attribute = descriptor.target.partition(":")
        source = module_file(module)
        try:
            functions = ast.parse(source.read_bytes()).body if source else []
        except (OSError, SyntaxError, ValueError):
            functions = []
        named = (f for f in functions if isinstance(f, ast.FunctionDef) and f.name == attribute)
        text = next((ast.get_docstring(function) or "" for function in named), "")
        found = click.Command(attribute, help=text).get_short_help_str(LONGEST_SUMMARY)
        return found or f"(of {descriptor.distribution})"

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; an unknown one gets the nearest names."""
        if not args[0].startswith("-") and self.get_command(context, args[0]) is None:
            known = self.list_commands(context)
            hint = suggestion(args[0], known) or listing("there are", known)
            raise DlcvError(f'no command "{args[0]}"{hint}')
        return super().resolve_command(context, args)

    def _named(self, name: str) -> str:
        """Returns a command's name in the registry; a qualified one is whole already."""
        return name if f".{self._prefix}" in name else f"{self._prefix}{name}"

    def _holds(self, descriptor: Descriptor) -> bool:
        return not descriptor.is_disabled and "." not in descriptor.name[len(self._prefix) :]


def _order() -> list[str]:
    """Returns the order in which installed packages say that commands are used."""
    try:
        named = default_or_none("commands")
    except DlcvError:
        # Help must not depend on it.
        named = None
    return [name.strip() for name in (named or USUAL_ORDER).split(",")]
