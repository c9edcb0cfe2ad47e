"""A type checker knows every name that authors of plugins use, those that packages add as well."""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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
ROOT = Path(__file__).parents[1]
STUBS = ("__init__.pyi", "api.pyi", "interfaces/__init__.pyi")
"""Where each name of the modules comes from, as `docs/generate.py` writes it."""
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

FIELD = "the annotation of the field is its type, as with attrs.field"
FILE = "what JSON or TOML holds is checked by its form when it is read"
FORM = "Python has no type so far for a type such as `int | None`, and for what it reads"
OWN = "each trainer has runs of its own, which the interface can't know"
UNTYPED = {
    "dlcv.config.RecipeConfig.of": FILE,
    "dlcv.config.RunConfig.from_table": FILE,
    "dlcv.config.read_toml": FILE,
    "dlcv.evaluation.evaluate.as_json": FILE,
    "dlcv.interfaces.base.state": FIELD,
    "dlcv.interfaces.options.Option": FORM,
    "dlcv.interfaces.options.Option.read": FORM,
    "dlcv.interfaces.options.option": FIELD,
    "dlcv.interfaces.options.read_value": FORM,
    "dlcv.interfaces.run_view.is_validation": FILE,
    "dlcv.interfaces.trainer.Trainer.load": OWN,
    "dlcv.interfaces.trainer.Trainer.resume": OWN,
    "dlcv.interfaces.trainer.Trainer.summary": OWN,
    "dlcv.interfaces.trainer.Trainer.train": OWN,
    "dlcv.runs.directory.RunDirectory.read_json": FILE,
    "dlcv.runs.forms.check_form": FILE,
    "dlcv_plugins.kinds.finished_run.FinishedRun": FILE,
    "dlcv_plugins.recorded_metrics.from_json": FILE,
    "dlcv_plugins.trainers.changes.compare_with_record": FILE,
}
"""What has an `Any` in its signature, with the reason; all else that authors use has types."""


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


@functools.cache
def parsed(module: str) -> ast.Module:
    """Returns the syntax tree of a module's source; nothing is imported."""
    paths = [ROOT / root / module.replace(".", "/") for root in ("core", "plugins")]
    files = [file for path in paths for file in (path / "__init__.py", path.with_suffix(".py"))]
    return ast.parse(next(file for file in files if file.exists()).read_text())


def imports(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Returns the module and the name of what comes from another one."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {each.name: (node.module, each.name) for node in nodes for each in node.names}


def untyped(module: str, name: str) -> Iterator[str]:
    """Yields the functions and classes with an `Any`, of what a name of a module stands for."""
    if not module.startswith("dlcv"):
        return
    tree = parsed(module)
    aliases = [node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)
               and node.value and re.search(r"\bAny\b", ast.unparse(node.value))]  # fmt: skip
    any_of = re.compile(rf"\b({'|'.join(['Any', *aliases])})\b")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            yield from [f"{module}.{name}"] if any_of.search(head(node)) else []
        elif isinstance(node, ast.ClassDef) and node.name == name:
            for each in node.body:
                if isinstance(each, ast.AnnAssign) and any_of.search(ast.unparse(each.annotation)):
                    yield f"{module}.{name}"
                is_public = isinstance(each, ast.FunctionDef) and (
                    each.name[0] != "_" or each.name in ("__call__", "__init__", "__getitem__")
                )
                if is_public and any_of.search(head(each)):
                    yield f"{module}.{name}.{each.name}"
            for base in filter(imports(tree).get, map(ast.unparse, node.bases)):
                yield from untyped(*imports(tree)[base])


def head(function: ast.FunctionDef) -> str:
    """Returns a function's arguments and what it returns, without defaults, as text."""
    given = function.args
    arguments = [*given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    types = [each.annotation for each in arguments if each] + [function.returns]
    return " ".join(ast.unparse(each) for each in types if each)


def test_signatures_hold_no_any_but_for_a_reason() -> None:
    stubs = ROOT / "plugins" / "dlcv-stubs"
    trees = [ast.parse((stubs / name).read_text()) for name in STUBS]
    named = {place for tree in trees for place in imports(tree).values()}
    assert len(named) > 200
    assert {each for place in named for each in untyped(*place)} == set(UNTYPED)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mypy_in_strict_mode_knows_every_name(mypy: list[str]) -> None:
    assert [line for line in mypy if ": error:" in line] == []
    revealed = re.findall(r'Revealed type is "(.*)"', "\n".join(mypy))
    assert revealed[: 2 * len(REGISTRY)] == [*REGISTRY.values()] * 2
    others = revealed[2 * len(REGISTRY) :]
    assert len(others) == sum(len(names(module)) for module in MODULES.values()) > 200
    assert "Any" not in others
