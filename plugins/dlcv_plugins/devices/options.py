"""`--device` and `--devices`: on what a command computes."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

DEVICE = "DLCV_DEVICE"
"""Environment variable: what `--device` takes, where that is not given."""
DEVICES = "DLCV_DEVICES"
"""Environment variable: what `--devices` takes, where that is not given."""


def device_option(command: Any) -> Any:
    """Gives a command `--device`."""
    return click.option(
        "--device",
        metavar="cpu|gpu|gpu:1",
        expose_value=False,
        callback=_keeping(DEVICE),
        help="What to compute on: the CPU, the first GPU, or a certain one, counted from 0."
        "  [default: a GPU where Keras finds one]",
    )(command)


def device_options(command: Any) -> Any:
    """Gives a command `--device` and `--devices`."""
    several = click.option(
        "--devices",
        type=click.IntRange(min=1),
        metavar="INTEGER",
        expose_value=False,
        callback=_keeping(DEVICES),
        help="How many devices share each batch; several need JAX.  [default: 1]",
    )
    return device_option(several(command))


def _keeping(variable: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is not None:
            context.with_resource(_set(variable, str(value)))

    return keep


@contextmanager
def _set(variable: str, value: str) -> Iterator[None]:
    """Sets an environment variable while the command runs."""
    before = os.environ.get(variable)
    os.environ[variable] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before
