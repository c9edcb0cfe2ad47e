"""A type checker knows every name that authors of plugins use, those that packages add as well."""

import re
import subprocess
import sys

import pytest

import dlcv
import dlcv.api
import dlcv.interfaces

LIBRARIES = (
    "IPython", "PIL", "cv2", "google", "h5py", "imagecodecs", "jax", "joblib", "keras",
    "matplotlib", "onnx", "onnxruntime", "optuna", "pandas", "pyarrow", "rich", "scipy", "sklearn",
    "sqlalchemy", "tensorflow",
)  # fmt: skip
"""Libraries that are not followed: they are none of ours, and some take minutes."""
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
REGISTRY = {
    'get("schedule", "poly")': "type[dlcv.interfaces.schedule.Schedule]",
    'get("exporter", "onnx")': "type[dlcv_plugins.kinds.exporter.Exporter]",
    'get("hook", "report")': "types.ModuleType",
    'get("command", "run")': "click.core.Command",
    "get(kind, name)": "type[dlcv.interfaces.base.Plugin]",
    'create("architecture", "resnet")': "dlcv.interfaces.architecture.Architecture",
    'create("section", "headline")': "dlcv_plugins.kinds.section.Section",
    "create(kind, name)": "dlcv.interfaces.base.Plugin",
    'create_list("preprocessor", "mean, patch")':
        "list[dlcv.interfaces.preprocessor.Preprocessor]",
    'describe("schedule", "poly").options': "tuple[dlcv.interfaces.options.Option, ...]",
    'names("store")': "list[str]",
}  # fmt: skip
"""What functions of the registry return, to a type checker."""


def names(module: object) -> list[str]:
    """Returns what an author may import from a module."""
    from dlcv.packages import named_objects

    groups = {"dlcv": "dlcv.functions"}
    added = named_objects(groups.get(module.__name__, module.__name__))
    return sorted({*module.__all__, *added})


@pytest.fixture(scope="module")
def mypy(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What mypy prints in strict mode about a package that uses every name."""
    folder = tmp_path_factory.mktemp("authors")
    lines = [AUTHORS, "from dlcv import registry", "kind, name = 'schedule', 'poly'"]
    for owner in ("registry", "registry.registry"):
        lines += [f"reveal_type({owner}.{call})" for call in REGISTRY]
    for module in MODULES.values():
        lines.append(f"import {module.__name__}")
        lines += [f"reveal_type({module.__name__}.{name})" for name in names(module)]
    (folder / "authors.py").write_text("\n".join(lines))
    skipped = ",".join(f"mypy-{name}.*" for name in LIBRARIES)
    settings = "ignore_missing_imports = True\nfollow_imports = skip\n"
    (folder / "mypy.ini").write_text(f"[mypy]\nstrict = True\n[{skipped}]\n{settings}")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "authors.py"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mypy_in_strict_mode_knows_every_name(mypy: list[str]) -> None:
    assert [line for line in mypy if ": error:" in line] == []
    revealed = re.findall(r'Revealed type is "(.*)"', "\n".join(mypy))
    assert revealed[: 2 * len(REGISTRY)] == [*REGISTRY.values()] * 2
    others = revealed[2 * len(REGISTRY) :]
    assert len(others) == sum(len(names(module)) for module in MODULES.values()) > 200
    assert "Any" not in others
