"""The command `dlcv`: runs a command, and turns what goes wrong into one line and an exit code."""

import os
import sys


def main() -> None:
    """Runs the command line; exits with 0, 2 for an expected error, 130 after ctrl+c."""
    import click

    from dlcv.cli import console
    from dlcv.cli.main import dlcv
    from dlcv.errors import DlcvError

    try:
        sys.exit(dlcv.main(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print("dlcv: stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read the output, `head` for example, has enough; say nothing when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (DlcvError, OSError) as error:
        if console.debug:
            raise
        message = " ".join(str(error).split("\n"))
        print(f"dlcv: {message}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
