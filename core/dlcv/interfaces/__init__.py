"""The interfaces that plugins implement, and the values that they exchange.

Packages add those of kinds that no run needs, and helpers for authors, through the entry-point
groups `dlcv.kinds` and `dlcv.interfaces`.
"""

from typing import Any

from dlcv.interfaces.architecture import Architecture, channel_axis, flatten, scaled, softmax_layer
from dlcv.interfaces.base import Plugin, evolve, plugin, state
from dlcv.interfaces.combination import Combination, combine
from dlcv.interfaces.evaluator import (
    Curves,
    Evaluation,
    Evaluator,
    Matrix,
    Predictions,
    Table,
    Unit,
)
from dlcv.interfaces.options import Option, OptionError, option, options_of, read_value, show
from dlcv.interfaces.preprocessor import (
    ImagePreprocessor,
    Images,
    PreparationContext,
    Preprocessor,
    Shape,
    Size,
    is_value_step,
    stack,
)
from dlcv.interfaces.run_view import ConfigView, RunView, SpecView, StageView, is_validation
from dlcv.interfaces.schedule import Schedule
from dlcv.interfaces.store import DESCRIPTION, SPLITS, UNSPLIT, DatasetStore, LabelledImages, Writer
from dlcv.interfaces.tracker import Tracker
from dlcv.interfaces.trainer import Trainer

__all__ = [
    "DESCRIPTION", "SPLITS", "UNSPLIT", "Architecture", "Combination", "ConfigView", "Curves",
    "DatasetStore", "Evaluation", "Evaluator", "ImagePreprocessor", "Images", "LabelledImages",
    "Matrix", "Option", "OptionError", "Plugin", "Predictions", "PreparationContext",
    "Preprocessor", "RunView", "Schedule", "Shape", "Size", "SpecView", "StageView", "Table",
    "Tracker", "Trainer", "Unit", "Writer", "channel_axis", "combine", "evolve", "flatten",
    "is_validation", "is_value_step", "option", "options_of", "plugin", "read_value", "scaled",
    "show", "softmax_layer", "stack", "state",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Imports what a package adds, when it is first used."""
    from dlcv.packages import added

    return added("dlcv.interfaces", name)
