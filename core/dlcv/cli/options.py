"""Command-line options made from the configuration's: one place for help, types and defaults."""

import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click
from click.decorators import FC

from dlcv.errors import DlcvError, SpecError
from dlcv.interfaces import Option, options_of
from dlcv.packages import load_object, named_objects
from dlcv.registry.defaults import checkpoints
from dlcv.registry.spec import Spec, SpecList, lower, parse_value

FLAGS = {
    "architecture": ("--arch", "--architecture"),
    "preprocessors": ("--preproc", "--preprocessors"),
    "evaluators": ("--eval", "--evaluators"),
    "trackers": ("--trackers", "--tracker"),
}
"""The flags of options that have more than their name."""


def _checkpoint_option(named: dict[str, str]) -> Callable[[FC], FC]:
    others = "".join(f"; {name}: {meaning}" for name, meaning in named.items())
    return click.option(
        "--checkpoint",
        default="last",
        show_default=True,
        metavar="|".join(("last", "best", "EPOCH", *named)),
        help=f"Whose weights to use; the best has the lowest validation loss{others}.",
    )


checkpoint_option = _checkpoint_option({})
"""The flag of commands that use a run's network."""
pixel_steps_option = click.option(
    *FLAGS["preprocessors"],
    "preprocessors",
    metavar="SPECS",
    help="Pixel steps instead of the run's; statistics stay the run's.",
)
"""The flag of commands that show a run's network images in another way."""


def checkpoints_option(command: FC) -> FC:
    """Gives a command that takes an ensemble as it takes a run the flag `--checkpoint`."""
    return _checkpoint_option(checkpoints())(command)


def directory_options(command: FC, named: str = "network-data-number", also: str = "") -> FC:
    """Gives a command that trains `--name` (`named` by default), `--runs` and `--force`."""
    for option in (
        click.option("--force", is_flag=True, help=f"Replace a run of that name{also}."),
        click.option(
            "--runs",
            type=Path,
            default=Path("runs"),
            show_default=True,
            help="The folder of all runs.",
        ),
        click.option("--name", help=f"The run's name.  [default: {named}]"),
    ):
        command = option(command)
    return command


def added_options(name: str) -> Callable[[FC], FC]:
    """Gives a command what packages add: `run.device` of the group `dlcv.options` adds to `run`."""

    def decorate(command: FC) -> FC:
        for added, place in named_objects("dlcv.options").items():
            if added.rpartition(".")[0] == name:
                command = load_object(place)(command)
        return command

    return decorate


def config_options(cls: type, *names: str, defaults: bool = True) -> Callable[[FC], FC]:
    """Gives a command flags for options of a configuration class, without defaults of its own.

    Args:
        cls: A configuration class.
        names: Which of its options; the flags come in this order.
        defaults: Whether help shows the defaults of the class.
    """

    def decorate(command: FC) -> FC:
        for name in reversed(names):
            command = _flag(options_of(cls)[name], defaults)(command)
        return command

    return decorate


def _flag(option: Option, shows_default: bool) -> Callable[[FC], FC]:
    flags = FLAGS.get(option.name, (f"--{option.name.replace('_', '-')}",))
    choices = typing.get_args(option.type) if typing.get_origin(option.type) is Literal else ()
    default = _default(option) if shows_default else None
    shown = "" if default is None or not str(default) else f"  [default: {default}]"
    return click.option(
        *flags,
        option.name,
        metavar=None if choices else _metavar(option),
        type=click.Choice(choices) if choices else str,
        callback=None if choices else _reader(option),
        help=f"{option.help[0].upper()}{option.help[1:]}.{shown}",
    )


def _reader(option: Option) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Returns what turns a flag's text into a value; plugins and paths stay text."""

    def read(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
        is_text = option.type in (str, Spec, SpecList) or _may_be_spec(option)
        if text is None or is_text:
            return text
        try:
            return option.read(lower(parse_value(text), None))
        except SpecError:
            problem = f'expected {option.type_text}, received "{text}"'
        except ValueError as error:
            problem = str(error)
        raise DlcvError(f"{parameter.opts[0]}: {problem}")

    return read


def _metavar(option: Option) -> str:
    kinds = {Spec: "SPEC", SpecList: "SPECS", int: "INTEGER", float: "NUMBER", str: "TEXT"}
    if _may_be_spec(option):
        return "SPECS" if SpecList in typing.get_args(option.type) else "SPEC"
    return kinds.get(option.type, "NUMBER")


def _may_be_spec(option: Option) -> bool:
    """Returns whether an option takes plugins, or may be left out."""
    return bool({Spec, SpecList} & {*typing.get_args(option.type)})


def _default(option: Option) -> Any:
    """Returns a default for the help page; None where it depends on others, or there is none."""
    try:
        return option.made_default
    except DlcvError:
        return None
