"""A run as a notebook shows it: its figures, its curves, and where the report is."""

import base64
import html
from pathlib import Path
from typing import Any

from dlcv.errors import printable
from dlcv_plugins.recorded_metrics import from_json


def as_html(run: Any) -> str:
    """Returns the figures of a run with their intervals, and its curves, as HTML.

    Args:
        run: What training or `dlcv.load` returned; it may be unfinished.
    """
    parts = [f"<b>{_text(run.path)}</b>"]
    if run.finished:
        found = run.directory.read_json("metrics")
        evaluation = from_json(found)
        rows = "".join(_row(*row) for row in evaluation.rows())
        head = "<tr><th>metric</th><th>value</th><th>95 % interval</th></tr>"
        parts.append(f"{found['images']:,} images of {_text(found['split'])}")
        parts.append(f"<table>{head}{rows}</table>")
        parts += [f"note: {_text(note)}" for note in evaluation.notes]
    else:
        parts.append("not finished; <code>dlcv.resume</code> continues it")
    curves = run.path / "curves.png"
    if curves.is_file():
        address = base64.b64encode(curves.read_bytes()).decode()
        parts.append(f'<img alt="loss and accuracy" src="data:image/png;base64,{address}">')
    report = run.path / "report.html"
    if report.is_file():
        parts.append(f"report: <code>{_text(report)}</code>")
    return "<br>".join(parts)


def _row(name: str, value: str, interval: str) -> str:
    cells = "".join(f"<td>{_text(cell)}</td>" for cell in (name, value, interval))
    return f"<tr>{cells}</tr>"


def _text(value: str | Path) -> str:
    return html.escape(printable(str(value)))
