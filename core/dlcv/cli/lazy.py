"""Groups of commands, and those whose commands are imported when they are used."""

import importlib

import click

from dlcv.errors import DlcvError, suggestion

LONGEST_SUMMARY = 200
"""Characters; longer ones would be cut, with dots."""


class Group(click.Group):
    """A group whose help page cuts no command's summary."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands with the whole first sentence of what they do."""
        commands = ((name, self.get_command(context, name)) for name in self.list_commands(context))
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, c.get_short_help_str(LONGEST_SUMMARY)) for name, c in commands if c]
            )


class LazyGroup(Group):
    """A group whose commands are imported when used; an unknown one gets the nearest names."""

    def __init__(self, *args: object, places: dict[str, str], **options: object) -> None:
        """Makes a group.

        Args:
            args: What `click.Group` takes.
            places: Where each command is, as `module:attribute`, in the order of the help page.
            options: What `click.Group` takes.
        """
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.places = places

    def list_commands(self, context: click.Context) -> list[str]:
        """Returns the names in the order of the help page."""
        return list(self.places)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Imports a command."""
        if name not in self.places:
            return None
        module, _, attribute = self.places[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
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
