"""The interfaces that plugins implement, and the values that they speak."""

from dlcv.interfaces.architecture import (
    Architecture,
    channel_axis,
    flatten,
    scaled,
    softmax_layer,
)
from dlcv.interfaces.base import Plugin, evolve, plugin, state
from dlcv.interfaces.check import (
    SEVERITIES,
    Check,
    DatasetFacts,
    FileHeader,
    Finding,
    ImageFacts,
    PixelSummary,
    Sample,
    Severity,
)
from dlcv.interfaces.classifier import Classifier
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
from dlcv.interfaces.exporter import Exporter, Session
from dlcv.interfaces.options import (
    Option,
    OptionError,
    option,
    options_of,
    read_value,
    show,
)
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
from dlcv.interfaces.run_view import ConfigView, RunView, SpecView, StageView
from dlcv.interfaces.schedule import Schedule
from dlcv.interfaces.store import (
    DESCRIPTION,
    SPLITS,
    UNSPLIT,
    DatasetStore,
    LabelledImages,
    Writer,
)
from dlcv.interfaces.tracker import Tracker
from dlcv.interfaces.trainer import Trainer
from dlcv.interfaces.weights import copy_weights, load_weights

__all__ = [
    "DESCRIPTION",
    "SEVERITIES",
    "SPLITS",
    "UNSPLIT",
    "Architecture",
    "Check",
    "Classifier",
    "Combination",
    "ConfigView",
    "Curves",
    "DatasetFacts",
    "DatasetStore",
    "Evaluation",
    "Evaluator",
    "Exporter",
    "FileHeader",
    "Finding",
    "ImageFacts",
    "ImagePreprocessor",
    "Images",
    "LabelledImages",
    "Matrix",
    "Option",
    "OptionError",
    "PixelSummary",
    "Plugin",
    "Predictions",
    "PreparationContext",
    "Preprocessor",
    "RunView",
    "Sample",
    "Schedule",
    "Session",
    "Severity",
    "Shape",
    "Size",
    "SpecView",
    "StageView",
    "Table",
    "Tracker",
    "Trainer",
    "Unit",
    "Writer",
    "channel_axis",
    "combine",
    "copy_weights",
    "evolve",
    "flatten",
    "is_value_step",
    "load_weights",
    "option",
    "options_of",
    "plugin",
    "read_value",
    "scaled",
    "show",
    "softmax_layer",
    "stack",
    "state",
]
