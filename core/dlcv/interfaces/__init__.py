"""The interfaces that plugins implement, and the values that they exchange.

Packages may add helpers for authors, through the entry-point group `dlcv.interfaces`.
"""

from typing import TYPE_CHECKING, Any

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
from dlcv.interfaces.finished_run import FinishedRun, is_validation
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
from dlcv.interfaces.section import (
    Details,
    Highlight,
    Highlights,
    Links,
    Notice,
    Pairs,
    Paragraph,
    Part,
    Picture,
    Pictures,
    Preformatted,
    Section,
    SectionContent,
    Tone,
)
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
    "Details",
    "Evaluation",
    "Evaluator",
    "Exporter",
    "FileHeader",
    "Finding",
    "FinishedRun",
    "Highlight",
    "Highlights",
    "ImageFacts",
    "ImagePreprocessor",
    "Images",
    "LabelledImages",
    "Links",
    "Matrix",
    "Notice",
    "Option",
    "OptionError",
    "Pairs",
    "Paragraph",
    "Part",
    "Picture",
    "Pictures",
    "PixelSummary",
    "Plugin",
    "Predictions",
    "Preformatted",
    "PreparationContext",
    "Preprocessor",
    "RunView",
    "Sample",
    "Schedule",
    "Section",
    "SectionContent",
    "Session",
    "Severity",
    "Shape",
    "Size",
    "SpecView",
    "StageView",
    "Table",
    "Tone",
    "Tracker",
    "Trainer",
    "Unit",
    "Writer",
    "channel_axis",
    "combine",
    "copy_weights",
    "evolve",
    "flatten",
    "is_validation",
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

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import keras

    def load_weights(
        network: keras.Model, path: Path, read: Callable[..., Any] | None = None
    ) -> None:
        """Gives a network the weights of a file, or of a run."""

    def copy_weights(source: keras.Model, target: keras.Model) -> None:
        """Gives the layers of a network the weights of those of the same names in another."""

else:

    def __getattr__(name: str) -> Any:
        """Imports what a package adds, when it is first used."""
        from dlcv.packages import load_object, named_objects

        if name not in (added := named_objects("dlcv.interfaces")):
            raise AttributeError(f"dlcv.interfaces has no {name}, and no installed package adds it")
        return load_object(added[name])
