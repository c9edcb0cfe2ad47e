"""The core names no plugin that ships: not in its code, its messages, or its help."""

import ast
import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dlcv

CORE = Path(dlcv.__file__).parent
WORDS = {
    "color", "column", "combined", "constant", "crop", "csv", "ensemble", "features", "folder",
    "keras", "linear", "mean", "members", "none", "pattern", "rank", "report", "scale",
    "simple", "small_classes", "step",
}  # fmt: skip
"""Names of plugins that are words, formats or libraries as well; sentences may use them."""


def shipped() -> set[str]:
    """Returns the names of the plugins that ship in `dlcv_plugins`.

    Commands are left out: a hint may point to one, as "see `dlcv inspect`", and loads nothing.
    """
    distribution = importlib.metadata.distribution("dlcv")
    points = (ep for ep in distribution.entry_points if ep.module.startswith("dlcv_plugins"))
    kinds = [f"dlcv.{kind}s" for kind in (*dlcv.registry.INTERFACES, "hook")]
    return {ep.name for ep in points if ep.group in kinds}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the lines and values of all strings of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in documentation:
            yield node.lineno, node.value


def named(text: str, names: set[str]) -> set[str]:
    """Returns the names of plugins that a text names."""
    words = set(re.findall(r"(?<![.\w])[A-Za-z_]\w*", text))
    called = set(re.findall(r"(\w+)\(\w+=", text))
    return (words & (names - WORDS)) | (called & names)


def test_the_words_are_names_of_plugins() -> None:
    assert shipped() >= WORDS


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("put aspect_aware first", {"aspect_aware"}),
        ("mean, patch", {"patch"}),
        ("digits(size=36)", {"digits"}),
        ("rank(k=3)", {"rank"}),
        ("the mean of a folder", set()),
    ],
)
def test_names_are_found_in_texts(text: str, found: set[str]) -> None:
    assert named(text, shipped()) == found


def test_no_text_of_the_core_names_a_plugin_that_ships() -> None:
    names = shipped()
    assert len(names) > 100
    found = {
        f"{path.relative_to(CORE)}:{line}": sorted(bad)
        for path in sorted(CORE.rglob("*.py"))
        for line, text in texts(path)
        if (bad := named(text, names))
    }
    assert found == {}


def test_no_call_of_the_core_asks_for_a_plugin_by_name() -> None:
    """The words above are names where they are looked up: `create("preprocessor", "scale")`."""
    names, kinds = shipped(), set(dlcv.registry.KINDS)
    found = []
    for path in sorted(CORE.rglob("*.py")):
        calls = (n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call))
        for call in calls:
            given = [a.value for a in call.args if isinstance(a, ast.Constant)]
            is_look_up = len(given) > 1 and given[0] in kinds and given[1] in names
            is_spec = getattr(call.func, "id", "") == "Spec" and given and given[0] in names
            if is_look_up or is_spec:
                found.append(f"{path.relative_to(CORE)}:{call.lineno}")
    assert found == []
