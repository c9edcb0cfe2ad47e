"""A picture of a network: its layers from top to bottom, with names and shapes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from dlcv import files
from dlcv.errors import DlcvError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dlcv_plugins.commands.inspect.inspection import LayerFacts, NetworkFacts

FORMATS = (".png", ".svg", ".pdf")
BOX_WIDTH, BOX_HEIGHT = 2.5, 0.42
COLUMN, PASSAGE, ROW = 2.7, 0.35, 0.62
"""Inches: a box, from box to box, the way of a line that passes boxes by, from row to row."""
LARGEST_SIDE = 60_000
"""Pixels; the drawing library ends at 2 ** 16."""
COLORS = {
    "Conv2D": "#cfe3f7",
    "DepthwiseConv2D": "#cfe3f7",
    "SeparableConv2D": "#cfe3f7",
    "Dense": "#f9d9b8",
    "BatchNormalization": "#ececec",
    "LayerNormalization": "#ececec",
    "MaxPooling2D": "#d6efd3",
    "AveragePooling2D": "#d6efd3",
    "GlobalAveragePooling2D": "#d6efd3",
    "Add": "#e6d8f2",
    "Concatenate": "#e6d8f2",
    "Multiply": "#e6d8f2",
}


def check_diagram_path(path: Path, *, force: bool) -> None:
    """Raises a `DlcvError` if no diagram can be written there, before anything is built."""
    if path.suffix.lower() not in FORMATS:
        raise DlcvError(f"{path}: a diagram is one of {', '.join(FORMATS)}")
    if not path.absolute().parent.is_dir():
        raise DlcvError(f"{path}: there is no folder {path.absolute().parent}")
    files.refuse_existing(path, force=force)


def draw_diagram(path: Path, facts: "NetworkFacts", title: str) -> None:
    """Draws the layers in rows, each below all of its inputs, and writes the picture.

    Args:
        path: The picture's file; its extension decides the format.
        facts: The network.
        title: A text above it.
    """
    from matplotlib.figure import Figure

    layout = Layout.of(facts.layers)
    width, height = layout.width + 0.4, layout.rows * ROW + 0.6
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-width / 2, width / 2)
    axes.set_ylim(-height + 0.5, 0.6)
    axes.text(0, 0.4, title, ha="center", va="center", fontsize=11, weight="bold")
    for points in layout.lines:
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, color="#7a7a7a", linewidth=0.9, zorder=1)
    for layer in facts.layers:
        _draw_box(axes, layer, *layout.places[layer.name])
    with files.atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=min(110, int(LARGEST_SIDE / max(width, height))))


def _draw_box(axes: "Axes", layer: "LayerFacts", x: float, y: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = (x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2)
    box = FancyBboxPatch(
        corner,
        BOX_WIDTH,
        BOX_HEIGHT,
        boxstyle="round,pad=0,rounding_size=0.06",
        facecolor=COLORS.get(layer.kind, "#ffffff"),
        edgecolor="#555555",
        linewidth=0.7,
        zorder=2,
    )
    axes.add_patch(box)
    shape = " x ".join("?" if s is None else str(s) for s in layer.output_shape)
    small = 6.5 if len(layer.name) < 34 else 5
    axes.text(x, y + 0.09, layer.name, ha="center", va="center", fontsize=small, weight="bold")
    axes.text(x, y - 0.1, f"{layer.kind}   {shape}", ha="center", va="center", fontsize=6)


@attrs.frozen
class Layout:
    """Where things stand, in inches; the first row is at 0, and y falls.

    Attributes:
        places: The center of each layer's box, by its name.
        lines: The corners of each line from a layer to one that takes its output.
        rows: The number of rows.
        width: The width of the widest row.
    """

    places: dict[str, tuple[float, float]]
    lines: list[list[tuple[float, float]]]
    rows: int
    width: float

    @classmethod
    def of(cls, layers: "Sequence[LayerFacts]") -> "Layout":
        """Puts each layer a row below the lowest of its inputs.

        A line over several rows gets a narrow place in each row between, so that it passes the
        boxes by; in a row, what comes from the left stands on the left.
        """
        depth: dict[str, int] = {}
        for layer in layers:
            depth[layer.name] = 1 + max((depth[name] for name in layer.inputs), default=-1)
        rows: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
        parents: dict[str, list[str]] = {}
        chains: list[list[str]] = []
        for layer in layers:
            rows[depth[layer.name]].append(layer.name)
            parents[layer.name] = []
            for source in dict.fromkeys(layer.inputs):
                chain = [source]
                for row in range(depth[source] + 1, depth[layer.name]):
                    point = f"{source}>{layer.name}>{row}"
                    rows[row].append(point)
                    parents[point] = [chain[-1]]
                    chain.append(point)
                parents[layer.name].append(chain[-1])
                chains.append([*chain, layer.name])
        places = _places(rows, parents)
        lines = [
            [corner for name in chain for corner in _corners(name, places)] for chain in chains
        ]
        boxes = {layer.name: places[layer.name] for layer in layers}
        return cls(boxes, lines, len(rows), max(map(_row_width, rows)))


def _places(rows: list[list[str]], parents: dict[str, list[str]]) -> dict[str, tuple[float, float]]:
    places: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        above = {
            name: sum(places[p][0] for p in parents[name]) / max(1, len(parents[name]))
            for name in row
        }
        x = -_row_width(row) / 2
        for name in sorted(row, key=lambda name: above[name]):
            width = _space(name)
            places[name] = (x + width / 2, -number * ROW)
            x += width
    return places


def _corners(name: str, places: dict[str, tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns where a line meets a place: in the middle of a box, straight down a passage."""
    x, y = places[name]
    return [(x, y + BOX_HEIGHT / 2), (x, y - BOX_HEIGHT / 2)] if _is_passage(name) else [(x, y)]


def _row_width(row: list[str]) -> float:
    return sum(map(_space, row))


def _space(name: str) -> float:
    return PASSAGE if _is_passage(name) else COLUMN


def _is_passage(name: str) -> bool:
    return ">" in name
