"""The flags of `dlcv run` that stand for trackers, such as `--tensorboard`."""

import shlex
from typing import Any

import click

from dlcv.api import tracker_flags


def tracker_flag_options(command: Any) -> Any:
    """Gives a command the flags that installed packages have for their trackers."""
    for name, spec in tracker_flags().items():
        text = f"The same as --trackers {shlex.quote(spec)}."
        command = click.option(f"--{name}", is_flag=True, default=None, help=text)(command)
    return command
