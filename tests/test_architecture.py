"""The page about the architecture is true: the journeys that it describes are those of the code.

They are made in a process of its own, since what other tests leave behind would be met on the way.
"""

import subprocess
import sys
from pathlib import Path

import pytest

JOURNEYS = ("image_file_to_the_networks_input", "specs_text_to_an_instance", "figure_in_the_report")


@pytest.mark.parametrize("journey", JOURNEYS)
def test_journey_is_that_of_the_page(journey: str) -> None:
    alone = ["-q", "-o", "addopts=", "-p", "no:xdist", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *alone,
            "-k",
            journey,
            Path(__file__).with_name("journeys.py"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
