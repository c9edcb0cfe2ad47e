"""A run that was stopped and resumed ends with the same bits as one that was not."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pictures
import pytest

SCENARIO = Path(__file__).with_name("resume_scenario.py")
STOPS = {
    ("tensorflow", "plain"): [
        "at the last batch of an epoch",
        "in the second epoch",
        "at the end of a stage",
    ],
    ("tensorflow", "methods"): [
        "between two changes of the weights",
        "after the best epoch",
    ],
    ("tensorflow", "by hand"): ["in the middle of an epoch", "when it is finished"],
    ("tensorflow", "kept features"): ["at the end of an epoch", "in the middle of an epoch"],
    ("jax", "plain"): ["in the second stage"],
    ("jax", "methods"): ["between two changes of the weights"],
    ("jax", "by hand"): ["in the middle of an epoch"],
    ("jax", "kept features"): ["in the middle of an epoch"],
}
# JAX compiles for each resumption, which takes its time; what it compiled once is kept.
SLOW = [
    ("tensorflow", "methods"),
    ("tensorflow", "by hand"),
    ("tensorflow", "kept features"),
    ("jax", "plain"),
    ("jax", "methods"),
    ("jax", "by hand"),
    ("jax", "kept features"),
]
CASES = [
    pytest.param(*key, stops, marks=[pytest.mark.slow] if key in SLOW else [])
    for key, stops in STOPS.items()
]
FURTHER = {
    ("tensorflow", "plain"): [
        "after the first batch",
        "in the first epoch",
        "in the second stage",
        "in the last epoch",
    ],
    ("tensorflow", "methods"): [
        "while the body is frozen",
        "at the end of averaging",
        "when the last stage is over",
    ],
    ("tensorflow", "by hand"): [
        "in the first epoch",
        "at the end of an epoch",
        "back from the middle",
        "back from the end",
    ],
}
"""Further points, which are like the others, and tried less often."""


@pytest.mark.parametrize(
    ("back_end", "configuration", "stops"),
    [*CASES, *(pytest.param(*k, stops, marks=pytest.mark.slow) for k, stops in FURTHER.items())],
)
def test_resumed_run_equals_the_straight_one_bit_for_bit(
    back_end: str, configuration: str, stops: list[str], tmp_path: Path
) -> None:
    if importlib.util.find_spec(back_end) is None:
        pytest.skip(f"{back_end} is not installed")
    done = subprocess.run(
        [sys.executable, str(SCENARIO), str(tmp_path), configuration, *stops],
        env={
            **os.environ,
            "KERAS_BACKEND": back_end,
            "PYTHONPATH": str(Path(pictures.__file__).parent),
            "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == []
