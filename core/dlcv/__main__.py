"""The command `dlcv`: runs a command, and turns what goes wrong into one line and an exit code."""

import os
import signal
import sys
import traceback
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def main() -> None:
    """Runs the command line; exits with 0, 2 for an expected error, 130 or 143 if stopped."""
    import click

    from dlcv.cli.main import dlcv
    from dlcv.errors import DlcvError, printable

    # OpenCV's log repeats in many lines what an error says in one.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    signal.signal(signal.SIGTERM, _terminate)
    try:
        sys.exit(dlcv.main(standalone_mode=False))
    except click.ClickException as error:
        print(_usage_message(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print("dlcv: stopped", file=sys.stderr)
        sys.exit(130)
    except (DlcvError, OSError) as error:
        # Not from the parsed options, for reading those may be what fails.
        if "--debug" in sys.argv:
            traceback.print_exception(error)
        message = " ".join(str(error).split("\n"))
        print(f"dlcv: {printable(message)}", file=sys.stderr)
        sys.exit(2)


def _terminate(number: int, _: FrameType | None) -> None:
    """Ends a command as ctrl+c does, so that what is half-made is removed; twice ends it now."""
    signal.signal(number, signal.SIG_DFL)
    print("dlcv: stopped", file=sys.stderr)
    sys.exit(128 + number)


def _usage_message(error: "click.ClickException") -> str:
    """Returns one line about a mistake in the command line, or a command's help page.

    A command that is called without the arguments that it needs "fails" with its help page.
    """
    message, context = error.format_message(), getattr(error, "ctx", None)
    if context is None:
        return f"dlcv: {message}"
    if message == context.get_help():
        return message
    return f"dlcv: {message.rstrip('.')}; see {context.command_path} --help"


if __name__ == "__main__":
    main()
