"""What libraries print while they start is out of sight, unless it is the last that they print."""

import os
import subprocess
import sys

import pytest

HIDDEN = "import os\nfrom dlcv.backend import captured_stderr\nwith captured_stderr():\n    "


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_seed_imports_tensorflow_without_a_word() -> None:
    """Keras does so for every back end."""
    program = "from dlcv import backend; backend.start(1); backend.set_seed(0)"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""


def test_what_libraries_print_is_not_seen() -> None:
    ended = run(HIDDEN + "os.write(2, b'chatter')\nos.write(2, b'seen')")
    assert (ended.stderr, ended.returncode) == ("seen", 0)


def test_the_reason_of_a_crash_is_seen() -> None:
    ended = run(HIDDEN + "os.write(2, b'Check failed: the reason\\n'); os.abort()")
    assert ended.stderr == "Check failed: the reason\n"
    assert ended.returncode < 0


def test_an_error_in_python_is_seen() -> None:
    ended = run(HIDDEN + "os.write(2, b'chatter'); raise ValueError('the reason')")
    assert ended.stderr.endswith("ValueError: the reason\n")
    assert "chatter" not in ended.stderr
