"""A type checker knows every name that authors of plugins use, those that packages add as well."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import dlcv
import dlcv.api
import dlcv.interfaces

UNTYPED = ("keras", "sklearn")
"""Libraries without types: what is theirs is `Any` to every checker."""
MODULES = {"dlcv": dlcv, "dlcv.api": dlcv.api, "dlcv.interfaces": dlcv.interfaces}
AUTHORS = '''
from dlcv.interfaces import Check, DatasetFacts, Exporter, Finding, Section, Session, option, plugin
from dlcv.interfaces import Classifier, FinishedRun, Grouping, SectionContent


@plugin
class Dark(Check):
    """Finds dark images."""

    limit: float = option(10.0, help="what counts as dark", ge=0)

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        return [Finding("dark", "warning", f"{self.limit}", "", ())]


@plugin
class Empty(Section):
    """Shows nothing."""

    def render(self, run: FinishedRun) -> SectionContent | None:
        return None


Dark(limit=3.0).findings(3)  # type: ignore[arg-type]
'''


def names(module: object) -> list[str]:
    """Returns what an author may import from a module."""
    from dlcv.packages import named_objects

    groups = {"dlcv": "dlcv.functions"}
    added = named_objects(groups.get(module.__name__, module.__name__))
    return sorted({*module.__all__, *added})


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_mypy_in_strict_mode_knows_every_name(tmp_path: Path) -> None:
    lines = [AUTHORS]
    for module in MODULES.values():
        lines.append(f"import {module.__name__}")
        lines += [f"reveal_type({module.__name__}.{name})" for name in names(module)]
    (tmp_path / "authors.py").write_text("\n".join(lines))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", "authors.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    revealed = re.findall(r'Revealed type is "(.*)"', done.stdout)
    assert len(revealed) == sum(len(names(module)) for module in MODULES.values()) > 200
    assert "Any" not in revealed
    assert "error" not in done.stdout
