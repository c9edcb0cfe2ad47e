"""A few kill points of the campaign, at every run of the tests."""

import random
from pathlib import Path

import pytest
from kill_points import COMMANDS, make_template, prepared, verdict


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("campaign"))


@pytest.mark.parametrize(
    "name", ["data build", "extract", pytest.param("run --force", marks=pytest.mark.slow)]
)
def test_a_killed_command_has_a_good_end(template: Path, tmp_path: Path, name: str) -> None:
    before, points, expected = prepared(name, template, tmp_path)
    at = random.Random(name).randint(1, points)
    assert verdict(COMMANDS[name], before, expected, at=at) == "", f"killed at {at} of {points}"
