"""Configurations by name: what is in one is printed before any of it is used."""

from pathlib import Path

import pytest

from dlcv.runs.train import configured

TAKEN = """
data = "csv(path=../secret.csv, root='/home')"
architecture = "lenet(width=2)"
initial_weights = "/elsewhere/w.keras"
evaluators = "rank"
[split]
groups = "column(name=patient)"
"""


def test_what_a_configuration_names_is_printed_before_it_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "dlcv")
    path = tmp_path / "taken.toml"
    path.write_text(TAKEN)

    configured(path, {"evaluators": "classification_report"})

    first, *lines = caplog.messages
    assert first == f"{path}, with what is given beside it, uses:"
    assert [line.split(maxsplit=1) for line in lines] == [
        ["data", "csv(path=../secret.csv, root='/home')"],
        ["preprocessors", "auto"],
        ["architecture", "lenet(width=2)"],
        ["evaluators", "classification_report"],
        ["sections", "all"],
        ["initial_weights", "/elsewhere/w.keras"],
        ["groups", "column(name=patient)"],
    ]


def test_a_name_can_not_feign_a_line_of_what_is_printed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "dlcv")
    (tmp_path / "taken.toml").write_text('data = "/secret\\n  data  photos\\u001b[8m"')

    configured(tmp_path / "taken.toml", {})

    assert caplog.messages[1].split(maxsplit=1) == ["data", "/secret\ufffd  data  photos\ufffd[8m"]


def test_options_alone_are_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "dlcv")

    configured(None, {"data": "photos"})

    assert not caplog.messages
