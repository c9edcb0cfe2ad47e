"""dlcv: from a folder of labelled images to a classifier that can be trusted and used."""

from typing import TYPE_CHECKING, Any

from dlcv import registry
from dlcv.errors import DlcvError

if TYPE_CHECKING:
    from dlcv.hooks import hook
    from dlcv.report.write import write_report
    from dlcv.runs.ensemble import Ensemble
    from dlcv.runs.load import load
    from dlcv.runs.run import Run
    from dlcv.runs.train import resume, run

__all__ = [
    "DlcvError",
    "Ensemble",
    "Run",
    "hook",
    "load",
    "registry",
    "resume",
    "run",
    "write_report",
]

_LAZY = {
    "Ensemble": "dlcv.runs.ensemble",
    "Run": "dlcv.runs.run",
    "hook": "dlcv.hooks",
    "load": "dlcv.runs.load",
    "resume": "dlcv.runs.train",
    "run": "dlcv.runs.train",
    "write_report": "dlcv.report.write",
}
"""Where each of the core's names is; plugins add others (entry-point group `dlcv.functions`)."""


def __getattr__(name: str) -> Any:
    """Imports what needs NumPy only when it is used: `dlcv --help` must not wait for it."""
    import importlib

    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    for entry_point in _functions():
        if entry_point.name == name:
            return entry_point.load()
    raise AttributeError(f"module dlcv has no attribute {name}")


def __dir__() -> list[str]:
    """Returns the core's names, and those that plugins add."""
    return sorted({*globals(), *_LAZY, *(entry_point.name for entry_point in _functions())})


def _functions() -> list[Any]:
    from dlcv.registry.index import entry_points

    return entry_points("dlcv.functions")
