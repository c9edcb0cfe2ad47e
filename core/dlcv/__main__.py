"""The command `dlcv`: runs a command, and turns what goes wrong into one line and an exit code."""

import contextlib
import os
import signal
import sys

from dlcv import signals


def main() -> None:
    """Runs the command line; exits with 0, 2 for an expected error, or 128 and a signal's number.

    The signal is the one that stopped it: 130 stands for ctrl+c, 143 for SIGTERM, 129 for SIGHUP.
    """
    _open_closed_streams()
    signals.end_command()
    try:
        code = _run_command()
    except KeyboardInterrupt:
        code = _stopped()
    except SystemExit as error:
        stopped = signals.received() and error.code == 128 + signals.received()
        code = _stopped() if stopped else error.code
    except BaseException:
        if not signals.received():
            raise
        # What a signal interrupted may have failed in its own way.
        code = _stopped()
    finally:
        signals.end_at_once()
    sys.exit(code)


def _open_closed_streams() -> None:
    """Opens what a shell closed (`2>&-`): a file would get its number, and what is printed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # It gets the lowest number that is free.
            stream = open(number, "w" if number else "r", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def _run_command() -> "str | int | None":
    """Runs the command; returns its exit code after an expected error was printed."""
    # OpenCV's log repeats in many lines what an error says in one.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    import click

    from dlcv.cli.console import print_any_name
    from dlcv.cli.main import dlcv
    from dlcv.cli.usage import usage_message
    from dlcv.errors import DlcvError

    print_any_name()
    try:
        return dlcv.main(standalone_mode=False)
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        return _failed(usage_message(error), error.exit_code)
    except (DlcvError, OSError) as error:
        from dlcv.files import failure

        return _failed_by(error, failure(error))
    except Exception as error:
        from dlcv.registry import blame

        if (message := blame(error)) is None:
            raise
        return _failed_by(error, message)


def _failed_by(error: Exception, message: str) -> int:
    """Prints the message, and the traceback above it where that is asked for."""
    from dlcv.errors import from_here, printable

    # Not from the parsed options, for reading those may be what fails.
    if "--debug" in sys.argv:
        import traceback

        traceback.print_exception(error)
    line = printable(from_here(" ".join(message.splitlines())))
    # What a damaged file holds may be long; no path is longer than 4,096 bytes.
    return _failed(f"dlcv: {line if len(line) < 5000 else f'{line[:2400]} ... {line[-2400:]}'}", 2)


def _failed(message: str, code: int) -> int:
    """Prints why the command ended, unless a signal is the reason."""
    if signals.received():
        return _stopped()
    with contextlib.suppress(OSError):
        print(message, file=sys.stderr, flush=True)
    return code


def _stopped() -> int:
    """Says that a signal ended the command, and returns the exit code that tells which."""
    # The handler of a signal that is no more than noted, as in training, raises this one itself.
    print("dlcv: stopped", file=sys.stderr)
    return 128 + (signals.received() or signal.SIGINT)


if __name__ == "__main__":
    main()
