"""What is printed of a mistake in the command line: one line, with the way to write it."""

import re

import click

from dlcv.errors import printable
from dlcv.registry.defaults import text_of

EXTRA = re.compile(r"Got unexpected extra argument \((.+)\)", re.DOTALL)
"""How click words that there is an argument too many."""


def usage_message(error: click.ClickException) -> str:
    """Returns one line about a mistake in the command line, or a command's help page.

    A command that is called without the arguments that it needs "fails" with its help page.
    """
    message, context = error.format_message(), getattr(error, "ctx", None)
    if context is None:
        return f"dlcv: {printable(message)}"
    if message == context.get_help():
        return message
    message = _with_other_name(error, context) or message.rstrip(".")
    return f"dlcv: {printable(message)}; see {context.command_path} --help"


def _with_other_name(error: click.ClickException, context: click.Context) -> str:
    """Returns the mistake with the option that was meant; nothing where that is not known."""
    flags = {flag for parameter in context.command.params for flag in parameter.opts}
    if isinstance(error, click.NoSuchOption):
        meant = f"--{text_of('other_options', error.option_name.removeprefix('--'))}"
        return f"no option {error.option_name}; write {meant}" if meant in flags else ""
    extra = EXTRA.fullmatch(error.format_message())
    if extra and "--data" in flags:
        return f"unexpected {extra[1]}; data is named by an option: --data {extra[1]}"
    return ""
