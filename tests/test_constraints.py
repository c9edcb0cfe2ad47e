"""The versions that CI installs are those that pyproject.toml asks for, each named."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def test_every_dependency_of_ci_has_a_version_that_pyproject_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = (ROOT / ".ci" / "constraints.txt").read_text().splitlines()
    versions = dict(line.split("==") for line in lines if not line.startswith("#"))
    named = {_plain(name): version for name, version in versions.items()}
    for text in (*project["dependencies"], *extras["test"], *extras["docs"]):
        wanted = Requirement(text)
        version = named.get(_plain(wanted.name))
        assert version, f"{text}: add its version to .ci/constraints.txt, or run .ci/renew"
        assert wanted.specifier.contains(version), f"{text}: {version} in .ci/constraints.txt"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
