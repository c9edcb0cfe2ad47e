"""What commands, exporters, checks, sections, trackers and trainers may use of the core.

The names below, and `dlcv.registry`, are stable; every other module of the core is private, save
`interfaces`, `errors`, `images` and `files`, which all plugins may use. Packages add names for the
plugins of others, such as what writes pages, under the entry-point group `dlcv.api`.

A name's module is imported when the name is first used, so that a command's module costs nothing
before the command runs: `from dlcv.api import table` imports no NumPy and no Keras. What does need
them (most names below the command line) is best imported inside the function that uses it.
"""

import ast
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dlcv.packages import load_object, named_objects

if TYPE_CHECKING:
    # Type checkers follow these imports, and `_PLACES` is read from them.
    from dlcv import backend as backend
    from dlcv import signals as signals
    from dlcv.cli.commands import Commands as Commands
    from dlcv.cli.commands import Group as Group
    from dlcv.cli.console import is_quiet as is_quiet
    from dlcv.cli.console import printed_alone as printed_alone
    from dlcv.cli.console import table as table
    from dlcv.cli.console import with_verbosity as with_verbosity
    from dlcv.cli.options import FLAGS as FLAGS
    from dlcv.cli.options import checkpoint_option as checkpoint_option
    from dlcv.cli.options import checkpoints_option as checkpoints_option
    from dlcv.cli.options import config_options as config_options
    from dlcv.cli.options import directory_options as directory_options
    from dlcv.cli.options import pixel_steps_option as pixel_steps_option
    from dlcv.cli.plugins import misnamed_groups as misnamed_groups
    from dlcv.cli.run import finish as finish
    from dlcv.cli.run import shown_path as shown_path
    from dlcv.config import ALL_SECTIONS as ALL_SECTIONS
    from dlcv.config import AUTO as AUTO
    from dlcv.config import RecipeConfig as RecipeConfig
    from dlcv.config import RunConfig as RunConfig
    from dlcv.config import SplitConfig as SplitConfig
    from dlcv.config import StageConfig as StageConfig
    from dlcv.config import changed_stage as changed_stage
    from dlcv.config import read_toml as read_toml
    from dlcv.data.fitting import fit_to_input as fit_to_input
    from dlcv.data.fitting import learn as learn
    from dlcv.data.loader import ORDER_STREAM as ORDER_STREAM
    from dlcv.data.loader import Batch as Batch
    from dlcv.data.loader import Loader as Loader
    from dlcv.data.loader import chunks as chunks
    from dlcv.data.loader import read_ahead as read_ahead
    from dlcv.data.pipeline import Pipeline as Pipeline
    from dlcv.data.pipeline import process_batch as process_batch
    from dlcv.data.pipeline import refuse_views as refuse_views
    from dlcv.data.pipeline import states_of as states_of
    from dlcv.data.pipeline import with_states as with_states
    from dlcv.data.sources import Dataset as Dataset
    from dlcv.data.sources import align_labels as align_labels
    from dlcv.data.sources import find_store as find_store
    from dlcv.data.sources import open_dataset as open_dataset
    from dlcv.data.split import SPLIT_DEFAULTS as SPLIT_DEFAULTS
    from dlcv.data.subset import ArrayImages as ArrayImages
    from dlcv.data.subset import Subset as Subset
    from dlcv.data.subset import Survey as Survey
    from dlcv.data.subset import survey as survey
    from dlcv.data.subset import with_cure as with_cure
    from dlcv.evaluation.evaluate import as_json as as_json
    from dlcv.evaluation.evaluate import evaluate as evaluate
    from dlcv.evaluation.predict import predict_batches as predict_batches
    from dlcv.evaluation.predict import predict_labelled as predict_labelled
    from dlcv.evaluation.predict import save_predictions as save_predictions
    from dlcv.packages import enabled_entry_points as enabled_entry_points
    from dlcv.progress import Advance as Advance
    from dlcv.progress import track as track
    from dlcv.progress import waiting as waiting
    from dlcv.registry.defaults import default_or_none as default_or_none
    from dlcv.registry.defaults import tracker_flags as tracker_flags
    from dlcv.registry.guard import notifier as notifier
    from dlcv.registry.spec import SpecList as SpecList
    from dlcv.registry.spec import lower as lower
    from dlcv.registry.spec import written as written
    from dlcv.runs import record as record
    from dlcv.runs.directory import LATEST as LATEST
    from dlcv.runs.directory import RunDirectory as RunDirectory
    from dlcv.runs.experiment import Experiment as Experiment
    from dlcv.runs.experiment import Plugins as Plugins
    from dlcv.runs.experiment import fit_pipeline as fit_pipeline
    from dlcv.runs.experiment import make_steps as make_steps
    from dlcv.runs.forms import check_form as check_form
    from dlcv.runs.inference_loader import fitting as fitting
    from dlcv.runs.inference_loader import inference_loader as inference_loader
    from dlcv.runs.inference_loader import resizes as resizes
    from dlcv.runs.inputs import Inputs as Inputs
    from dlcv.runs.inputs import open_inputs as open_inputs
    from dlcv.runs.inputs import open_labelled as open_labelled
    from dlcv.runs.load import load as load
    from dlcv.runs.load import load_trained as load_trained
    from dlcv.runs.named_config import load_config as load_config
    from dlcv.runs.new_run import new_directory as new_directory
    from dlcv.runs.new_run import write_record as write_record
    from dlcv.runs.observers import Observers as Observers
    from dlcv.runs.prediction import LabelledPredictions as LabelledPredictions
    from dlcv.runs.predictor import PixelSteps as PixelSteps
    from dlcv.runs.predictor import Predictor as Predictor
    from dlcv.runs.predictor import warn_of as warn_of
    from dlcv.runs.results import Results as Results
    from dlcv.runs.results import write_results as write_results
    from dlcv.runs.run import Run as Run
    from dlcv.runs.run import restored_network as restored_network
    from dlcv.runs.train import configured as configured
    from dlcv.runs.train import resume as resume
    from dlcv.runs.train import run as run
    from dlcv.runs.trained import Trained as Trained
    from dlcv.training import checkpoints as checkpoints
    from dlcv.training.checkpoints import Checkpoint as Checkpoint
    from dlcv.training.checkpoints import Position as Position
    from dlcv.training.history import History as History
    from dlcv.training.history import best_row as best_row
    from dlcv.training.history import of_stage as of_stage
    from dlcv.training.network import Network as Network
    from dlcv.training.network import build_parts as build_parts
    from dlcv.training.network import is_random_in_training as is_random_in_training
    from dlcv.training.network import layer_shape as layer_shape
    from dlcv.training.network import refusal as refusal
    from dlcv.training.network import symbolic as symbolic

    # What the packages that ship add.
    Stage: Any
    Training: Any
    check_stage: Callable[..., Any]
    class_weights: ModuleType
    compile_stage: Callable[..., Any]
    freeze: Callable[..., Any]
    initial_rate: Callable[..., Any]
    make_loss: Callable[..., Any]
    make_optimizer: Callable[..., Any]
    train: Callable[..., Any]
    BatchStatistics: Any
    EVALUATOR: str
    best_epochs: Callable[..., set[int]]
    Ensemble: Any
    FEWEST_TRAINING: int
    FEWEST_VALIDATION: int
    GradientDescent: Any
    Interrupted: Any
    Interruption: Any
    build_new: Callable[..., Any]
    by_epoch: Callable[..., Any]
    compare_with_record: Callable[..., dict[str, Any]]
    data_name: Callable[..., str]
    default_name: Callable[..., str]
    duration: Callable[[float], str]
    deferred_signals: Callable[..., AbstractContextManager[Any]]
    figure: Callable[..., Any]
    find_recipe: Callable[..., Any]
    from_json: Callable[..., Any]
    load_into: Callable[..., None]
    load_run: Callable[..., Any]
    log_finished: Callable[..., None]
    named_method: Callable[..., Any]
    open_source: Callable[..., AbstractContextManager[Any]]
    pages: ModuleType
    prepare_training: Callable[..., Any]
    recipes: Callable[..., list[Any]]
    snapshot_epochs: Callable[..., list[int]]
    train_into: Callable[..., Any]
    use_plugin_file: Callable[[str], None]
    validation_share: Callable[..., float | None]
    write_missing: Callable[..., list[str]]
    write_report: Callable[..., Path]


def _imported() -> dict[str, str]:
    """Returns where each name is that type checkers import above."""
    file = Path(__file__)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    places: dict[str, str] = {}
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            assert node.module is not None
            # What is imported from a package is one of its modules.
            is_package = file.parents[1].joinpath(*node.module.split(".")).is_dir()
            start = f"{node.module}{'.' if is_package else ':'}"
            places |= {alias.name: f"{start}{alias.name}" for alias in node.names}
    return places


_PLACES = _imported()
"""Where each name of the core is: a module, or `module:attribute`."""

__all__ = sorted(_PLACES)


if not TYPE_CHECKING:
    # Type checkers would take any name for one of the module's.

    def __getattr__(name: str) -> Any:
        """Imports a name's module when the name is first used."""
        place = _PLACES.get(name) or named_objects("dlcv.api").get(name)
        if not place:
            raise AttributeError(f"dlcv.api has no name {name}")
        globals()[name] = found = load_object(place)
        return found


def __dir__() -> list[str]:
    """Returns the names that plugins may use."""
    return sorted({*globals(), *_PLACES, *named_objects("dlcv.api")})
