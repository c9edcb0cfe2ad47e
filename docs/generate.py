"""Writes into the documentation, and into the stubs for type checkers, what the code knows.

Commands, options, plugins and interfaces go into the reference pages, the layers of the core into
the picture of the architecture, and the names that entry points add to modules into stubs, since no
type checker reads entry points.

    python docs/generate.py            write what changed
    python docs/generate.py --check    write nothing; exit with 1 if a file is out of date

A page holds the place between `<!-- generated: plugins store -->` and `<!-- end -->`: a function
of this module, and its arguments.
"""

import ast
import importlib
import inspect
import itertools
import json
import re
import sys
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

import click
import draw_architecture
from click.testing import CliRunner

import dlcv.api
import dlcv.errors
import dlcv.hooks
import dlcv.images
import dlcv.interfaces
from dlcv import config, registry
from dlcv.cli.main import dlcv as program
from dlcv.interfaces import Plugin, options_of
from dlcv.packages import entry_points, origin

DOCS = Path(__file__).parent
PLACE = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
WIDTH = 100
"""Columns of help pages."""
CORE = DOCS.parent / "core" / "dlcv"
STUBS = DOCS.parent / "plugins" / "dlcv-stubs"
STUBBED = {"__init__": "functions", "api": "api", "interfaces/__init__": "interfaces"}
"""The modules with stubs, and the groups of entry points that add names to them."""
HEAD = "# Written by docs/generate.py: type checkers see no names that entry points add."
REGISTRY = STUBS / "registry" / "__init__.pyi"
TYPED = {
    "get": ("name: str", "type[{}]"),
    "create": ("spec: str | Spec | Plugin", "{}"),
    "create_list": ("specs: str | Iterable[str | Spec | Plugin]", "list[{}]"),
}
"""Functions of the registry whose results depend on the kind: what they take, and return."""


def main() -> None:
    """Writes the files that changed, or names them."""
    generated = {**pages(), **stubs(), REGISTRY: registry_stub()}
    generated[draw_architecture.PICTURE] = draw_architecture.svg()
    changed = {path: text for path, text in generated.items() if path.read_text() != text}
    if "--check" not in sys.argv:
        for path, text in changed.items():
            path.write_text(text)
    elif changed:
        names = ", ".join(path.name for path in changed)
        sys.exit(f"out of date: {names}; run `python docs/generate.py`")


def pages() -> dict[Path, str]:
    """Returns the pages with generated parts as they should be."""
    texts = {path: path.read_text() for path in sorted(DOCS.rglob("*.md"))}
    return {path: PLACE.sub(_fill, text) for path, text in texts.items() if PLACE.search(text)}


def stubs() -> dict[Path, str]:
    """Returns stubs of the modules to which entry points add names."""
    made = {}
    for module, group in STUBBED.items():
        tree = ast.parse((CORE / f"{module}.py").read_text())
        # What is imported for type checkers, where that is not all.
        body = next((node.body for node in tree.body if isinstance(node, ast.If)), tree.body)
        places = [
            (node.module, alias.name, alias.name)
            for node in body
            if isinstance(node, ast.ImportFrom) and node.module.startswith("dlcv")
            for alias in node.names
        ]
        for point in entry_points(f"dlcv.{group}"):
            if origin(point)[0] == "dlcv":
                package, _, last = point.value.rpartition(":" if ":" in point.value else ".")
                places.append((package, last, point.name))
        lines = [f"from {place} import {name} as {public}" for place, name, public in places]
        version = ["__version__: str"] if module == "__init__" else []
        made[STUBS / f"{module}.pyi"] = "\n".join([HEAD, *lines, *version, ""])
    return made


def registry_stub() -> str:
    """Returns the stub of the registry, in which a kind decides what its functions return."""
    classes = {kind: cls.__name__ for kind, cls in registry.INTERFACES.items()}
    own = ast.parse((CORE / "registry" / "__init__.py").read_text()).body
    imported = {
        alias.name: node.module
        for node in own
        if isinstance(node, ast.ImportFrom) and node.module.startswith("dlcv")
        for alias in node.names
    }
    functions = [name for name in registry.__all__ if hasattr(registry.Registry, name)]
    others = [n for n in imported if n not in (*functions, "Registry", "registry", "Spec")]
    names = ", ".join(sorted({*classes.values(), "Plugin"}))
    lines = [
        HEAD, "# What the registry returns depends on the kind that is asked for.",
        "from collections.abc import Iterable, Iterator", "from types import ModuleType",
        "from typing import Literal, overload", "", "from click import Command",
        f"from dlcv.interfaces import {names}",
        "from dlcv.registry.catalog import Registry as _Untyped",
        "from dlcv.registry.lookup import Descriptor",
        "from dlcv.registry.spec import Spec as Spec",
        *(f"from {imported[name]} import {name} as {name}" for name in others),
        "", "class Registry(_Untyped):",
    ]  # fmt: skip
    for function, (parameter, result) in TYPED.items():
        returned = {kind: result.format(cls) for kind, cls in classes.items()}
        if function == "get":
            returned |= {"hook": "ModuleType", "family": "ModuleType", "command": "Command"}
        for kind, text in returned.items():
            start = f'    @overload\n    def {function}(self, kind: Literal["{kind}"], {parameter})'
            lines.append(f"{start} -> {text}: ...")
        rest = f"kind: str, {parameter}) -> {result.format('Plugin')}: ..."
        lines.append(f"    @overload\n    def {function}(self, {rest}")
    lines += ["", "registry: Registry", *(f"{name} = registry.{name}" for name in functions)]
    special = {"__contains__": "name: object", "__iter__": "", "__len__": ""}
    results = {"__contains__": "bool", "__iter__": "Iterator[Descriptor]", "__len__": "int"}
    lines += [f"def {n}({taken}) -> {results[n]}: ..." for n, taken in special.items()]
    return "\n".join([*lines, ""])


def commands() -> str:
    """Returns the help page of every command."""
    parts = []
    settings = {**program.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    for context in _walk(click.Context(program, info_name="dlcv", **settings)):
        title = f"## {context.command_path}\n\n" if context.parent else ""
        parts.append(f"{title}```text\n{context.get_help()}\n```")
    return "\n\n".join(parts)


def plugins(kind: str) -> str:
    """Returns what the plugins of a kind that ship with dlcv do, with their options."""
    parts = []
    for descriptor in registry.descriptors(kind):
        if descriptor.distribution != "dlcv":
            continue
        command = ["plugins", "show", descriptor.name, "--kind", kind, "--json"]
        (shown,) = json.loads(CliRunner().invoke(program, command).stdout)
        part = f"### {shown['name']}\n\n{shown['summary']}"
        if shown["options"]:
            rows = [
                (
                    f"`{o['name']}`",
                    o["type"],
                    "*required*" if o["required"] else f"`{o['default']}`",
                    o["help"],
                )
                for o in shown["options"]
            ]
            part += "\n\n" + _table(("option", "type", "default", "what it does"), rows)
        parts.append(part)
    return "\n\n".join(parts)


def options(name: str) -> str:
    """Returns the keys of a configuration table."""
    rows = [
        (f"`{o.name}`", o.type_text, _default(o.made_default), o.help)
        for o in options_of(getattr(config, name)).values()
    ]
    return _table(("key", "type", "default", "meaning"), rows)


def interface(kind: str) -> str:
    """Returns the methods and properties that a plugin of a kind may define."""
    cls = registry.INTERFACES[kind]
    required = cls.__abstractmethods__
    rows = []
    for name, member in vars(cls).items():
        if name.startswith("_") and name != "__call__":
            continue
        function = inspect.unwrap(getattr(member, "__func__", member))
        must = "**yes**" if name in required else "no"
        if isinstance(member, property):
            rows.append((f"`{name}`", must, _summary(member)))
        elif inspect.isfunction(function):
            rows.append((f"`{_signature(name, function)}`", must, _summary(function)))
    if not rows:
        return "It adds no methods."
    return _table(("method", "must be defined", "what it does"), rows)


def interface_versions() -> str:
    """Returns the versions of each kind's interface that this dlcv takes."""
    rows = [
        (f"`{kind}`", f"`{cls.__name__}`", ", ".join(map(str, cls.interface_versions)))
        for kind, cls in registry.INTERFACES.items()
    ]
    return _table(("kind", "interface", "versions that are taken"), rows)


def attributes(name: str) -> str:
    """Returns the attributes of a value that plugins receive."""
    members = vars(getattr(dlcv.interfaces, name)).items()
    rows = [(f"`{n}`", _summary(member)) for n, member in members if isinstance(member, property)]
    return _table(("attribute", "what it is"), rows)


def functions(name: str, *members: str) -> str:
    """Returns the functions, or the values that are made by calling them, of a module of dlcv."""
    owners = {
        "registry": registry.registry, "hooks": dlcv.hooks, "plugin": Plugin,
        "images": dlcv.images, "interfaces": dlcv.interfaces,
    }  # fmt: skip
    owner = owners[name]
    rows = []
    for member in members:
        function = getattr(owner, member)
        rows.append((f"`{_signature(member, function)}`", _summary(function)))
    return _table(("function", "what it does"), rows)


def api() -> str:
    """Returns the names that plugins may use, by where they come from; the core's come first."""
    parts: dict[str, list[tuple[str, str, str]]] = {}
    for name, place in {**dlcv.api._PLACES, **_shipped("dlcv.api")}.items():
        found = getattr(dlcv.api, name)
        module = place.partition(":")[0]
        is_documented = inspect.ismodule(found) or inspect.isclass(found) or callable(found)
        summary = _below(module, name) or (
            _summary(found) if is_documented else f"A constant: `{found!r}`."
        )
        part = ".".join(module.split(".")[:2])
        parts.setdefault(part, []).append((f"`{name}`", f"`{module}`", summary))
    columns = ("name", "defined in", "what it is")
    return "\n\n".join(f"## {part}\n\n{_table(columns, rows)}" for part, rows in parts.items())


def _below(module: str, name: str) -> str:
    """Returns the sentence below a constant or a type in its module; empty for what has none."""
    body = ast.parse(inspect.getsource(importlib.import_module(module))).body
    for node, following in itertools.pairwise(body):
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if name in [ast.unparse(target) for target in targets if target]:
            text = ast.get_docstring(ast.Module([following], []))
            return " ".join((text or "").partition("\n\n")[0].split())
    return ""


def python() -> str:
    """Returns the names of the module `dlcv`, each described by its docstring on the site."""
    places = {**dlcv._LAZY, **_shipped("dlcv.functions")}
    del places["DlcvError"]  # It stands among the errors.
    parts = []
    for name, place in sorted(places.items(), key=lambda item: item[0].lower()):
        options = f'    options:\n      heading: "dlcv.{name}"\n      toc_label: "{name}"'
        parts.append(f"::: {place.replace(':', '.')}\n{options}")
    return "\n\n".join(parts)


def errors() -> str:
    """Returns the classes of expected errors."""
    rows = [
        (f"`{name}`", ", ".join(f"`{base.__name__}`" for base in found.__bases__), _summary(found))
        for name, found in vars(dlcv.errors).items()
        if inspect.isclass(found) and found.__module__ == "dlcv.errors"
    ]
    return _table(("error", "is a kind of", "what it means"), rows)


def recipes(*patterns: str) -> str:
    """Returns the figures that recipes report and those that were measured with them."""
    found = [
        (f"`{recipe.name}`", recipe.about.reported, " ".join(recipe.about.measured.split()))
        for recipe in dlcv.api.recipes()
        if any(fnmatch(recipe.name, pattern) for pattern in patterns)
    ]
    return _table(("recipe", "reported", "measured here"), found)


def _fill(match: re.Match[str]) -> str:
    start, call, end = match.groups()
    function, *arguments = call.split()
    return f"{start}\n{globals()[function](*arguments)}\n\n{end}"


def _shipped(group: str) -> dict[str, str]:
    """Returns the entry points of a group that ship with dlcv."""
    return {p.name: p.value for p in entry_points(group) if origin(p)[0] == "dlcv"}


def _walk(context: click.Context) -> Iterable[click.Context]:
    """Yields a context for a command and for each command below it; ours only."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command is not None and command.callback.__module__.startswith(
                ("dlcv.", "dlcv_plugins.")
            ):
                yield from _walk(click.Context(command, info_name=name, parent=context))


def _signature(name: str, function: object) -> str:
    parameters = [
        p.replace(annotation=p.empty)
        for p in inspect.signature(function).parameters.values()
        if p.name not in ("self", "cls")
    ]
    return f"{name}{inspect.Signature(parameters)}"


def _summary(function: object) -> str:
    return (inspect.getdoc(function) or "").split("\n")[0]


def _default(default: object) -> str:
    if default is None:
        return "*left out*"
    if not isinstance(default, str | int | float):
        return "*see below*"
    return f"`{default}`"


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(columns)
    lines = [head, ["---"] * len(head), *([c.replace("|", r"\|") for c in r] for r in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
