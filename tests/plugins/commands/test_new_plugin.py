"""`dlcv plugins new`: a package of each kind that installs, passes its tests, and is found."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import forked
import pytest

from dlcv.errors import DlcvError
from dlcv.registry import KINDS
from dlcv_plugins.commands.new_plugin.package import (
    FURTHER_MODULES,
    HERE,
    MODULES,
    NewPackage,
    _versions,
)  # fmt: skip

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "write-each-kind.md"
PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]


def test_there_is_a_package_of_each_kind() -> None:
    assert set(MODULES) == set(KINDS)


@pytest.mark.timeout(900)
def test_packages_of_all_kinds_install_pass_their_tests_and_are_found(tmp_path: Path) -> None:
    names = {kind: f"dlcv-my-{kind}" for kind in MODULES}
    for kind, name in names.items():
        NewPackage.named(kind, name).write(tmp_path / name)
    target = tmp_path / "site"
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--target", str(target)]
    sources = [f"./{name}" for name in names.values()]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *options, *sources], cwd=tmp_path, check=True)

    environment = {**os.environ, "PYTHONPATH": str(target)}
    tested = subprocess.run(
        [sys.executable, *PYTEST, *(f"{name}/tests" for name in names.values())],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout[-3000:]
    listed = forked.dlcv("plugins", "list", "--json", folder=tmp_path, packages=[target])
    found = {
        (row["kind"], row["distribution"], row["state"])
        for row in json.loads(listed.stdout)
        if row["distribution"] != "dlcv"
    }
    of_the_family = ("schedule", names["family"], "available")
    assert found == {(*each, "available") for each in names.items()} | {of_the_family}


def test_the_page_shows_what_is_written() -> None:
    blocks = re.findall(
        r"<!-- file: acme/(\w+)\.py -->\n```python\n(.*?)```\n", PAGE.read_text(), re.DOTALL
    )
    modules = {*MODULES.values(), *(name for more in FURTHER_MODULES.values() for name in more)}
    shown = {name: text for name, text in blocks if name in modules}
    assert shown == {name: (HERE / "modules" / f"{name}.py").read_text() for name in shown}
    assert modules - set(shown) == {"posterise"}


@pytest.mark.parametrize(
    ("installed", "required"),
    [("0.1.0", ">=0.1,<0.2"), ("0.9.2", ">=0.9,<0.10"), ("1.2.3", ">=1.2,<2"), ("2.0", ">=2.0,<3")],
)
def test_releases_with_the_same_interfaces_are_required(installed: str, required: str) -> None:
    assert _versions(installed) == required


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("architectur", "dlcv-x", 'no kind of plugin "architectur"; did you mean "architecture"?'),
        ("store", "dlcv-Zip", '"dlcv-Zip" is no name for a package and a plugin; use small'),
        ("store", "dlcv_zip", "single dashes"),
        ("store", "../zip", "is no name for a package"),
        ("store", "dlcv-7zip", "is no name for a package"),
        ("store", "dlcv-class", "is no name for a package"),
        ("preprocessor", "dlcv-mean", 'the preprocessor "mean" ships with dlcv'),
        ("command", "numpy", "numpy is installed already"),
    ],
)
def test_names_that_would_not_work_are_refused(kind: str, name: str, message: str) -> None:
    with pytest.raises(DlcvError) as raised:
        NewPackage.named(kind, name)
    assert message in str(raised.value)


def test_the_command_tells_what_to_do_and_replaces_nothing(tmp_path: Path) -> None:
    told = forked.dlcv("plugins", "new", "command", "dlcv-leader-board", folder=tmp_path)
    assert told.stdout.endswith(
        "install  pip install -e 'dlcv-leader-board[test]'\n"
        "test     pytest dlcv-leader-board\n"
        "look     dlcv plugins list command leader-board\n"
    )
    again = forked.dlcv("plugins", "new", "command", "dlcv-leader-board", folder=tmp_path)
    assert again.returncode == 2
    assert again.stderr.startswith("dlcv: dlcv-leader-board exists already")
