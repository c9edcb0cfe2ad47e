"""A run that was stopped and resumed ends with the same bits as one that was not."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).with_name("resume_scenario.py")


@pytest.mark.parametrize("back_end", ["tensorflow", "jax"])
def test_resumed_run_equals_the_straight_one_bit_for_bit(back_end: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(back_end) is None:
        pytest.skip(f"{back_end} is not installed")
    done = subprocess.run(
        [sys.executable, str(SCENARIO), str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": back_end},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["stops"]) == 7
    assert found["differing"] == []
