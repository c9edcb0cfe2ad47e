"""The page about the architecture is true: the journeys that it describes are those of the code.

They are made in a process of their own, since what other tests leave behind would be met on the
way.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

JOURNEYS = ("image_file_to_the_networks_input", "specs_text_to_an_instance", "figure_in_the_report")


@pytest.fixture(scope="module")
def made() -> str:
    """What pytest prints about all journeys."""
    alone = ["-v", "-o", "addopts=", "-p", "no:xdist", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *alone, Path(__file__).with_name("journeys.py")],
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@pytest.mark.parametrize("journey", JOURNEYS)
def test_journey_is_that_of_the_page(made: str, journey: str) -> None:
    assert re.search(f"{journey} PASSED", made), made
    assert f"{len(JOURNEYS)} passed" in made
