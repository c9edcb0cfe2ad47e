"""What commands print: messages to the standard error stream, results to the standard output."""

import codecs
import functools
import io
import logging
import sys
from collections.abc import Callable, Iterable

import click

from dlcv.errors import from_here, printable
from dlcv.packages import added, plugin_packages


def with_verbosity(command: Callable[..., object]) -> Callable[..., object]:
    """Gives a command `--plugin`, `--quiet`, `--verbose` and `--debug`."""

    @click.option(
        "--plugin", "plugin_files", multiple=True, metavar="FILE[:CLASS]",
        help="A file whose plugins to use, as if they were installed; several with --plugin each.",
    )  # fmt: skip
    @click.option(
        "--quiet", "level", flag_value="WARNING",
        help="Print only warnings and results; of what is made, its path.",
    )  # fmt: skip
    @click.option("--verbose", "level", flag_value="DEBUG", help="Print more, libraries included.")
    @click.option("--debug", is_flag=True, help="Show the traceback of errors, too.")
    @functools.wraps(command)
    def wrapped(
        level: str | None, debug: bool, plugin_files: tuple[str, ...], **options: object
    ) -> object:
        _start_logging(level or ("DEBUG" if debug else "INFO"))
        for file in plugin_files:
            added("dlcv.api", "use_plugin_file")(file)
        return command(**options)

    return wrapped


def is_quiet() -> bool:
    """Returns whether `--quiet` asks for results alone, without what to do next."""
    return logging.getLogger("dlcv").level >= logging.WARNING


def printed_alone(path: str) -> bool:
    """Prints the path of what a command made if `--quiet` asks for no more; returns whether."""
    if is_quiet():
        click.echo(path)
    return is_quiet()


def print_any_name() -> None:
    """Lets names of files be printed whatever bytes they are: to a file or a pipe as they are.

    On a terminal, and for letters that its encoding does not have, they are escaped.
    """
    codecs.register_error("bytes of names", _bytes_of_names)
    if isinstance(sys.stdout, io.TextIOWrapper):
        errors = "backslashreplace" if sys.stdout.isatty() else "bytes of names"
        sys.stdout.reconfigure(errors=errors)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")


def _bytes_of_names(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Returns a plain table: text to the left, numbers to the right, shares with four digits."""
    body = [[_cell(value) for value in row] for row in rows]
    head = list(columns)
    widths = [max(len(cell) for cell in column) for column in zip(head, *body, strict=True)]
    right = [
        bool(body) and all(_is_number(cell) for cell in column)
        for column in zip(*body, strict=True)
    ] or [False] * len(head)
    lines = [
        "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in [head, *body]
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else from_here(printable(str(value)))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _start_logging(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    for package in ("dlcv", *plugin_packages()):
        logger = logging.getLogger(package)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
    # Python's warnings come from libraries and tell users nothing that they could change.
    logging.captureWarnings(True)
    warnings = logging.getLogger("py.warnings")
    warnings.handlers = [handler] if level == "DEBUG" else [logging.NullHandler()]
    warnings.propagate = False
    if level != "DEBUG":
        logging.getLogger("tensorflow").setLevel("ERROR")


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = "\n".join(map(printable, from_here(record.getMessage()).split("\n")))
        return f"warning: {message}" if record.levelno >= logging.WARNING else message
