"""The versions that CI installs, and the oldest ones, are those that pyproject.toml asks for."""

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


def test_the_oldest_versions_are_the_lower_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / ".ci" / "oldest.txt").read_text().splitlines()
    oldest = {line.split("==")[0]: line.split("==")[1] for line in lines if "#" not in line}
    bounds = {Requirement(text).name: Requirement(text) for text in project["dependencies"]}
    assert oldest.keys() == bounds.keys()
    for name, version in oldest.items():
        (bound,) = bounds[name].specifier
        assert version.startswith(bound.version), (
            f"{name}: {bound}, and {version} in .ci/oldest.txt"
        )


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
