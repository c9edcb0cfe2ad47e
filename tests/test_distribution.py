"""What is built to be installed: whole, of what belongs into it alone, and built from its source.

python -m build && twine check --strict dist/*
"""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from dlcv.api import recipes

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "core/dlcv": "dlcv",
    "plugins/dlcv-stubs": "dlcv-stubs",
    "plugins/dlcv_plugins": "dlcv_plugins",
    "examples/recipes": "dlcv_plugins/recipes",
}
"""Where what is in the wheel comes from."""
OWN_TESTS = (
    *(f"tests/core/test_{name}.py" for name in (
        "api", "config", "errors", "families", "index", "options", "registry", "spec", "values",
    )),
    "tests/core/images", "tests/cli/test_plugins.py", "tests/plugins/test_preprocessors.py",
    "tests/plugins/test_schedules.py",
)  # fmt: skip
"""The tests that run from the unpacked source distribution."""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "-o", folder, ROOT]
    done = subprocess.run(build, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as opened:
        yield opened


def test_the_wheel_holds_the_packages_and_nothing_else(wheel):
    expected = {
        f"{target}/{path.relative_to(ROOT / source)}"
        for source, target in FOLDERS.items()
        for path in (ROOT / source).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    about, names = set(), set()
    for name in wheel.namelist():
        (about if ".dist-info/" in name else names).add(name)
    assert names == expected
    assert {name.partition("/")[2] for name in about} == {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE",
    }  # fmt: skip
    assert {f"{package}/py.typed" for package in ("dlcv", "dlcv_plugins")} <= names
    scratch = re.compile(r"(^|/)(tests?|\.[^/]+|[^/]*~|[^/]*\.(orig|rej|bak|tmp|log|pyc))(/|$)")
    assert {name for name in names if scratch.search(name)} == set()
    assert sum(info.file_size for info in wheel.infolist()) < 5e6


def test_what_is_in_the_wheel_is_in_the_repository(wheel):
    if not (ROOT / ".git").exists():
        pytest.skip("no repository")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert len([n for n in wheel.namelist() if ".dist-info/" not in n]) == len(listed)


def test_the_source_distribution_holds_what_its_tests_and_pages_need(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    needed = ("CITATION.cff", "LICENSE", "README.md", "mkdocs.yml", "pyproject.toml")
    assert set(needed) <= names
    assert {
        "docs/site.css",
        "tests/conftest.py",
        "examples/recipes/cifar10-minivggnet.toml",
    } <= names
    assert not any(name.startswith((".venv", "runs/", "site/", "dist/")) for name in names)


def test_the_index_would_take_them(built):
    pytest.importorskip("twine")
    files = sorted(built.iterdir())
    check = [sys.executable, "-m", "twine", "check", "--strict", *files]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_citation_is_of_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()


def test_the_wheel_holds_the_recipes_and_finds_them(wheel, tmp_path):
    wheel.extractall(tmp_path)
    program = "import dlcv.api as r; print(*[x.path for x in r.recipes()], sep='\\n')"
    found = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert [Path(path).stem for path in found] == [recipe.name for recipe in recipes()]
    assert {Path(path).parent for path in found} == {tmp_path / "dlcv_plugins" / "recipes"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_source_distribution_installs_and_passes_its_own_tests(built, tmp_path):
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as opened:
        opened.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", site, source], check=True)
    # Tests would find the packages of this tree through the path of an editable installation.
    environment = {**os.environ, "PYTHONPATH": str(site)}
    where = [sys.executable, "-c", "import dlcv, dlcv_plugins; print(dlcv.__file__)"]
    found = subprocess.run(where, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == f"{site}/dlcv/__init__.py\n"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-m", "not slow", *OWN_TESTS],
        cwd=unpacked, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 1000
