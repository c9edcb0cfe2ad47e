"""Draws the house: the packages of the core as layers, and the kinds of plugins beside them.

    python docs/draw_architecture.py            write docs/images/architecture.svg
    python docs/draw_architecture.py --check    write nothing; exit with 1 if it is out of date

Nothing in the picture is written by hand: layers and what each kind of plugin may import come from
the contracts of import-linter in `pyproject.toml`, the numbers of items from its entry points, the
descriptions from the modules' docstrings. `docs/generate.py` writes and checks the picture, too.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from dlcv.registry import KINDS, group_of

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
CORE = ROOT / "core" / "dlcv"
WIDTH, MARGIN, GAP, ROW, TOP = 960, 16, 6, 26, 44
CORE_WIDTH, PLUGIN_LEFT = 648, 716
"""Pixels: the core takes the left, the plugins begin right of it."""
LONGEST = 88
"""Characters of a description; longer ones are cut at a comma or colon."""
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.title{font-weight:600;font-size:15px}"
    ".name{font-family:ui-monospace,monospace;font-weight:600}.small{font-size:11.5px;fill:#444}"
    ".core{fill:#e8f0fa;stroke:#7b9cc4}.all{fill:#cfe3cf;stroke:#6f9f6f}"
    ".besides{fill:#fbe3b6;stroke:#cfa550}.frame{fill:#fff;stroke:#888}.count{text-anchor:end}"
    ".arrow{stroke:#777;stroke-width:1.3;fill:none}"
)
"""Layers that all plugins may import are green, those that some may import besides are yellow."""


def main() -> None:
    """Writes the picture, or checks it."""
    drawn = svg()
    if "--check" not in sys.argv:
        PICTURE.write_text(drawn)
    elif not PICTURE.exists() or PICTURE.read_text() != drawn:
        sys.exit(f"out of date: {PICTURE.name}; run `python docs/draw_architecture.py`")


def svg() -> str:
    """Returns the picture."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers, see_least, green, yellow = _contracts(project)
    styles = {name: "all" if name in green else "besides" for name in (*green, *yellow)}
    parts: list[str] = []
    places: dict[str, float] = {}
    y = float(TOP)
    for layer in layers:
        parts += _layer(layer, styles, y)
        places |= {name: y + ROW * (row + 0.5) for row, name in enumerate(layer)}
        y += ROW * len(layer) + GAP
    items = _items(project)
    least = {kind: count for kind, count in items.items() if f"{kind}s" in see_least}
    more = {kind: count for kind, count in items.items() if kind not in least}
    parts += _plugins("import what is green or yellow", more, TOP, [places[n] for n in yellow])
    lower = max(TOP + ROW * (len(more) + 1.5), y - GAP - ROW * (len(least) + 1))
    parts += _plugins("import what is green", least, lower, [places[n] for n in green])
    height = max(y, lower + ROW * (len(least) + 1) + GAP) + MARGIN - GAP
    return "\n".join([_head(height), *parts, "</svg>"]) + "\n"


def _contracts(project: dict[str, Any]) -> tuple[list[list[str]], set[str], list[str], list[str]]:
    """Returns what the contracts say, layers from the top.

    Returns:
        The core's layers, the folders of the plugins that see the least, the layers that these may
        import, and those that all others may import besides.
    """
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c.get("containers") == ["dlcv"])
    names = [[name.strip(" ()") for name in layer.split("|")] for layer in layers]
    least = next(c for c in contracts if "dlcv.api" in c.get("forbidden_modules", ()))
    more = next(c for c in contracts if c.get("source_modules") == ["dlcv_plugins"])
    # `__main__` is what starts the program; nothing imports it.
    modules = [name for layer in names for name in layer if name != "__main__"]
    green, open_to_more = (
        [name for name in modules if f"dlcv.{name}" not in contract["forbidden_modules"]]
        for contract in (least, more)
    )
    folders = {folder.partition(".")[2] for folder in least["source_modules"]}
    return names, folders, green, [name for name in open_to_more if name not in green]


def _items(project: dict[str, Any]) -> dict[str, int]:
    """Returns how many items of each kind ship with dlcv."""
    groups = project["project"]["entry-points"]
    return {kind: len(groups.get(group_of(kind), {})) for kind in KINDS}


def _layer(names: list[str], styles: dict[str, str], y: float) -> Iterator[str]:
    """Yields a layer; modules that do not import each other share a frame."""
    yield _box(styles.get(names[0], "core"), MARGIN, y, CORE_WIDTH, ROW * len(names))
    for row, name in enumerate(names):
        yield _text("name", MARGIN + 10, y + row * ROW, name)
        yield _text("small", MARGIN + 102, y + row * ROW, _description(name))


def _plugins(title: str, items: dict[str, int], y: float, layers: list[float]) -> Iterator[str]:
    """Yields the kinds of plugins that may import the same, with their numbers of items.

    Args:
        title: What they have in common.
        items: The number of items by kind.
        y: Where they begin.
        layers: Where the layers are that arrows lead to.
    """
    width, height = WIDTH - MARGIN - PLUGIN_LEFT, ROW * (len(items) + 1)
    yield _box("frame", PLUGIN_LEFT, y, width, height)
    yield _text("small", PLUGIN_LEFT + 10, y, title)
    for row, (kind, count) in enumerate(items.items(), start=1):
        yield _text("name", PLUGIN_LEFT + 10, y + row * ROW, kind)
        yield _text("count", WIDTH - MARGIN - 10, y + row * ROW, str(count))
    for layer in layers:
        yield _arrow(y + height / 2, layer)


def _description(name: str) -> str:
    """Returns the first line of the docstring of a module of the core."""
    path = CORE / name / "__init__.py"
    text = (path if path.exists() else CORE / f"{name}.py").read_text()
    summary = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0].replace("`", "")
    start, _, rest = summary.partition(": ")
    # "Runs: from a configuration ..." stands beside the name already.
    summary = rest[:1].upper() + rest[1:] if start.lower() == name else summary
    while len(summary) > LONGEST:
        summary = re.split(r"[,:;](?=[^,:;]*$)", summary)[0]
    return summary.rstrip(".")


def _head(height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="The layers of the core and the kinds of plugins">\n<style>{STYLE}</style>\n'
        f'<rect width="{WIDTH}" height="{height:g}" fill="#fff"/>\n'
        + _text("title", MARGIN, 10, "the core: each layer imports only layers below it")
        + "\n"
        + _text("title", PLUGIN_LEFT, 10, "plugins that ship")
    )


def _box(style: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="3"/>'
    )


def _text(style: str, x: float, y: float, text: str) -> str:
    return f'<text class="{style}" x="{x}" y="{y + ROW / 2 + 4.5:g}">{escape(text)}</text>'


def _arrow(start: float, end: float) -> str:
    """Returns a line from the plugins to a layer of the core, with a point at its end."""
    x1, x2 = PLUGIN_LEFT, MARGIN + CORE_WIDTH
    middle = (x1 + x2) / 2
    return (
        f'<path class="arrow" d="M{x1} {start:g} C{middle:g} {start:g} {middle:g} {end:g} '
        f'{x2 + 2} {end:g} m7 -4 l-7 4 l7 4"/>'
    )


if __name__ == "__main__":
    main()
