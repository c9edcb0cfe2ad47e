"""`--on`: where the parts of a command's work are done."""

import functools
from collections.abc import Callable
from typing import Any

import click


def on_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command whose work splits by itself `--on`: where packages have it done."""

    @click.option(
        "--on", "executor", metavar="SPEC",
        help="What does the work in parts (dlcv plugins list executor).  [default: this process]",
    )  # fmt: skip
    @functools.wraps(command)
    def wrapped(executor: str | None, **options: Any) -> Any:
        if executor is None:
            return command(**options)
        from dlcv_plugins.executors.current import on

        with on(executor):
            return command(**options)

    return wrapped
