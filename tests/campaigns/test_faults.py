"""Faults of the file layer of the campaign, at every run of the tests."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import write_image
from faults import LIBRARY, compiled

LINE = "data build photos --out packed --size 8 --quiet"
ARMED = """
import sys
from faults import FAULTS, arm
from types import SimpleNamespace
folder, kind, at, *line = sys.argv[1:]
arm(folder, FAULTS[kind], int(at), "packed", SimpleNamespace())
sys.argv[1:] = line
from dlcv.__main__ import main
main()
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="cc compiles the faulty file layer")
@pytest.mark.parametrize(
    ("kind", "points"), [pytest.param("full", 60, marks=pytest.mark.slow), ("denied", 20)]
)
def test_a_fault_is_one_line_and_the_command_goes_on_afterwards(
    kind: str, points: int, tmp_path: Path
) -> None:
    library = compiled(tmp_path)
    work = tmp_path / "work"
    for number in range(30):
        image = np.full((12, 12, 3), 8 * number, np.uint8)
        write_image(work / "photos" / "ab"[number % 2] / f"{number}.png", image)
    at = random.Random(kind).randint(1, points)
    here = str(Path(__file__).parent)
    armed = {LIBRARY: str(library), "LD_PRELOAD": str(library), "PYTHONPATH": here}
    failed = subprocess.run(
        [sys.executable, "-c", ARMED, work, kind, str(at), *LINE.split()],
        cwd=work, env={**os.environ, **armed}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert failed.returncode == 2, failed.stderr
    message = failed.stderr.splitlines()[-1]
    assert message.startswith("dlcv: can't write packed"), message
    assert ".tmp" not in message

    subprocess.run([sys.executable, "-m", "dlcv", *LINE.split()], cwd=work, check=True)
    assert {path.name for path in work.iterdir()} == {"photos", "packed"}
