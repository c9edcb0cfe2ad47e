"""dlcv: from a folder of labelled images to a classifier that can be trusted and used."""

from typing import TYPE_CHECKING, Any

from dlcv import registry
from dlcv.errors import DlcvError

if TYPE_CHECKING:
    from dlcv.export.writing import export_run
    from dlcv.feature_transfer.steps import extract, fit, transfer
    from dlcv.hooks import hook
    from dlcv.runs.compare import compare
    from dlcv.runs.ensemble import Ensemble
    from dlcv.runs.loading import load
    from dlcv.runs.rate_search import search_learning_rate
    from dlcv.runs.run import Run
    from dlcv.runs.train import resume, run

__all__ = [
    "DlcvError",
    "Ensemble",
    "Run",
    "compare",
    "export_run",
    "extract",
    "fit",
    "hook",
    "load",
    "registry",
    "resume",
    "run",
    "search_learning_rate",
    "transfer",
]

_LAZY = {
    "Ensemble": "dlcv.runs.ensemble",
    "Run": "dlcv.runs.run",
    "compare": "dlcv.runs.compare",
    "export_run": "dlcv.export.writing",
    "extract": "dlcv.feature_transfer.steps",
    "fit": "dlcv.feature_transfer.steps",
    "hook": "dlcv.hooks",
    "load": "dlcv.runs.loading",
    "resume": "dlcv.runs.train",
    "run": "dlcv.runs.train",
    "search_learning_rate": "dlcv.runs.rate_search",
    "transfer": "dlcv.feature_transfer.steps",
}


def __getattr__(name: str) -> Any:
    """Imports what needs NumPy only when it is used: `dlcv --help` must not wait for it."""
    if name not in _LAZY:
        raise AttributeError(f"module dlcv has no attribute {name}")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)
