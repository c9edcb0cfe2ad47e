"""A run's configuration: what a `run.toml` holds, read and written without loss."""

import functools
import os
import tomllib
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

import attrs

from dlcv.errors import DlcvError, is_utf8, suggestion
from dlcv.files import final_path
from dlcv.interfaces import OptionError, evolve, option, options_of, plugin
from dlcv.interfaces.options import read_value, show
from dlcv.registry.defaults import default, default_or_none, tracker_flags
from dlcv.registry.spec import Spec, SpecList

ALL_SECTIONS = "all"
"""Among the sections, those that are installed and not named."""
AUTO = "auto"
"""Among the preprocessors, the value steps that the network wants."""
SPLIT_OPTIONS = ("test", "validation", "train_validation", "small_classes", "groups")
"""The options of the split that `with_options` takes; its seed shares its name with the run's."""


def _chosen(name: str) -> Any:
    """Returns a default that an installed package chooses; it is looked up when it is needed."""
    return attrs.Factory(functools.partial(default, name))


@plugin
class SplitConfig:
    """What is taken from the training images: test first, then validation, then train-validation.

    What is None is not taken where the data has it, or needs no such part.
    """

    test: float | int | None = option(
        None,
        help="share (below 1) or number of the images to divide that only the final test sees, "
        "0 for none; 0.2 if left out and the data has neither test nor validation images",
        ge=0,
    )
    validation: float | int | Literal["test"] | None = option(
        None,
        help="share (below 1) or number of the images to divide to validate with while training, "
        "or test, to take the test images for that too; 0.1 if left out and the data has none",
        gt=0,
    )
    train_validation: float | int | None = option(
        None,
        help="share (below 1) or number of the images to divide that are neither trained on nor "
        "validated with, to distinguish variance from mismatch; none if left out",
        gt=0,
    )
    small_classes: Literal["error", "skip", "train"] = option(
        "error",
        help="whether a class with too few images to be divided ends the run, is left out, or is "
        "used for training alone; one without any image is left out by either",
    )
    groups: SpecList | None = option(
        None,
        help="what keeps images on one side that belong together, separated by commas: copies, or "
        "images of one patient or video (dlcv plugins list grouping); copies if left out",
    )
    method: Literal["stratified", "last"] = option(
        "stratified",
        help="whether each part is drawn at random, with its share of each class, or is the last "
        "of the images in their order, as Keras's validation_split takes it",
    )
    seed: int = option(42, help="seed of the stratified split", ge=0, lt=2**32)

    def with_groups(self) -> Self:
        """Returns a copy with the groupings that an installed package chooses if none are named."""
        is_open = self.groups is None and self.method != "last"
        chosen = default_or_none("groups") if is_open else None
        return self if chosen is None else evolve(self, groups=chosen)


@plugin
class StageConfig:
    """One stage of training."""

    epochs: int = option(20, help="passes over the training images", ge=1)
    stop_after: int | None = option(
        None,
        help="epochs after which the stage ends, though its schedule is made for more; "
        "`dlcv resume` with other settings writes it",
        ge=1,
    )
    batch_size: int | None = option(None, help="images a step; the run's if left out", ge=1)
    optimizer: Spec = option(
        _chosen("optimizer"), help="a Keras optimizer by name, with its options"
    )
    schedule: Spec = option(_chosen("schedule"), help="the learning rate over the stage")
    loss: Spec = option("categorical_crossentropy", help="a Keras loss by name, with its options")
    trainable: str = option(
        "all",
        help="the layers that are trained: all, head, a slice by index such as 15: (see `dlcv "
        "inspect`), a pattern of names such as stage3_*, or several of these, separated by commas",
    )
    early_stopping: int | None = option(
        None,
        help="epochs without a lower validation loss that end the stage; never if left out",
        ge=1,
    )
    early_stopping_weights: Literal["best", "last"] = option(
        "best", help="the epoch whose weights a stage with early stopping ends with"
    )
    class_weights: Literal["none", "balanced"] = option(
        "none", help="whether each class counts the same in the loss, however few images it has"
    )
    batch_statistics: Literal["auto", "moving", "precise"] = option(
        "auto",
        help="statistics of batch normalization in validation and in the saved network: the moving "
        "averages of Keras, or precise ones, estimated after each epoch; auto is precise where an "
        "epoch has too few steps for the averages to settle",
    )

    @property
    def last_epoch(self) -> int:
        """The epochs that are trained if the stage is not stopped early."""
        return min(self.epochs, self.stop_after or self.epochs)

    @property
    def ends_with_best(self) -> bool:
        """Whether the stage ends with the weights of its best epoch, and not of its last."""
        return self.early_stopping is not None and self.early_stopping_weights == "best"


def _default_stages(config: "RunConfig") -> tuple[StageConfig, ...]:
    return (StageConfig(),) if config.classifier is None else ()


@plugin
class RunConfig:
    """Everything that decides a run's numbers."""

    data: str = option(_chosen("data"), help="a store, or the path of a data set")
    preprocessors: SpecList = option(
        AUTO, help=f"preprocessors, separated by commas; {AUTO} stands for what the network wants"
    )
    architecture: Spec = option(_chosen("architecture"), help="the network")
    input_size: int | tuple[int, int] | None = option(
        None, help="height and width of the network's input in pixels", ge=1
    )
    classifier: Spec | None = option(
        None,
        help="a classifier that is fitted to what reaches the network's last layer, and takes its "
        "place, instead of stages of training; see `dlcv transfer`",
    )
    evaluators: SpecList = option(_chosen("evaluators"), help="evaluators, separated by commas")
    sections: SpecList = option(
        ALL_SECTIONS,
        help="the sections of the report, separated by commas, in order; all stands for those that "
        "are installed and not named, in their own order",
    )
    batch_size: int = option(32, help="images a step", ge=1)
    seed: int = option(
        42, help="seed of the initial weights, the order and the augmentation", ge=0, lt=2**32
    )
    members: int = option(
        1,
        help="networks to train, whose seeds count on from this one, and which predict together",
        ge=1,
    )
    threads: int | None = option(
        None, help="threads for computing and for loading; all processors if left out", ge=1
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = option(
        "float32", help="the network's precision, as Keras names it"
    )
    initial_weights: Path | None = option(
        None,
        help="a run, one of its checkpoints, or a file (.weights.h5, .keras) whose weights the "
        "network begins with, by layer name and shape",
    )
    jit_compile: Literal["auto", "on", "off"] = option(
        "auto",
        help="whether XLA compiles the network; auto is Keras's choice: on GPUs and with JAX, but "
        "not with TensorFlow on a CPU",
    )
    bad_images: Literal["error", "skip"] = option(
        "error", help="whether an unreadable image ends the run, or is left out and counted"
    )
    fraction: float = option(
        1.0,
        help="share of each split's images that is used, for a quick try; the same of each class",
        gt=0,
        le=1,
    )
    checkpoint_every: int = option(5, help="epochs between checkpoints", ge=1)
    keep_checkpoints: int | None = option(
        None,
        help="checkpoints to keep beside the last and the best; if left out, as many as take five "
        "times the network's size in all",
        ge=0,
    )
    trainer: Spec | None = option(
        None,
        help="the way of learning; if left out, the one that classifier or members ask for, else "
        "the default one",
    )
    trackers: SpecList = option(
        "",
        help="what shows or collects the figures while training, separated by commas; no number "
        "depends on it",
    )
    split: SplitConfig = option(attrs.Factory(SplitConfig), help="how the data is divided")
    stages: tuple[StageConfig, ...] = option(
        attrs.Factory(_default_stages, takes_self=True),
        help="the stages of training, one after the other; none where a classifier is fitted",
    )

    def __attrs_post_init__(self) -> None:
        """Refuses a run with nothing to do, with stages and a classifier, or that no file holds."""
        for name, value in _table(self).items():
            # The name of the data is written as a spec, with escapes.
            if name != "data" and isinstance(value, str) and not is_utf8(value):
                raise DlcvError(
                    f"{name}: {value} is not UTF-8, so run.toml can't hold it; rename the file or "
                    "folder"
                )
        if not self.stages and self.classifier is None:
            raise DlcvError("stages: a run needs at least one")
        if self.stages and self.classifier is not None:
            raise DlcvError(
                "classifier: it is fitted without stages of training; leave stages or it out"
            )
        if self.members > 1 and self.classifier is not None:
            raise DlcvError(
                "members: a fitted classifier is the same for each; leave one of both out"
            )

    @classmethod
    def from_options(cls, **options: object) -> Self:
        """Returns a configuration of defaults and the options that `with_options` takes.

        Raises:
            DlcvError: a value is wrong, or one is left out that no installed package chooses.
        """
        given = _without_flags(options, "")
        own = {k: v for k, v in given.items() if k in ("data", "architecture", "evaluators")}
        stage = {k: v for k, v in given.items() if k in ("optimizer", "schedule")}
        with _naming_options():
            if stage and "classifier" not in given:
                own["stages"] = (StageConfig(**stage),)
            return cls(**own).with_options(**given)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a configuration file.

        Raises:
            DlcvError: it can't be read, or a key or a value in it is wrong.
        """
        return cls.from_table(read_toml(path), str(final_path(path)))

    @classmethod
    def from_table(cls, table: dict[str, Any], source: str) -> Self:
        """Reads a configuration from what TOML gives; `source` is named in errors.

        What a recipe tells about itself, in the table `recipe`, is checked and left out, since no
        number depends on it.
        """
        RecipeConfig.of(table, source)
        own = {name: value for name, value in table.items() if name != "recipe"}
        for name in own.keys() & set(tracker_flags()):
            own["trackers"] = _flagged(name, own.pop(name), own.get("trackers", ""), source)
        return _read_table(cls, own, source)

    def to_toml(self) -> str:
        """Returns the configuration as TOML that reads back to itself."""
        import tomli_w

        return tomli_w.dumps(_table(self))

    def with_options(self, **changes: object) -> Self:
        """Returns a copy with some options changed; those that are None stay as they are.

        Options of the split and of the only stage may be named as well, and `learning_rate`, which
        is the optimizer's. Where there are several stages, `epochs` is the most that each of them
        may have, so that a quick try of all of them can be had.

        Raises:
            DlcvError: a value is wrong, or an option of a stage is named and there are several.
        """
        given = _without_flags(changes, self.trackers)
        stage_options = (*options_of(StageConfig), "learning_rate")
        known = (*options_of(RunConfig), *stage_options, *SPLIT_OPTIONS)
        for name in given:
            if name not in known:
                raise DlcvError(f'a run has no option "{name}"{suggestion(name, known)}')
        own = {k: v for k, v in given.items() if k in options_of(RunConfig)}
        stage = {k: v for k, v in given.items() if k in stage_options and k not in own}
        split = {k: v for k, v in given.items() if k in SPLIT_OPTIONS}
        if "batch_size" in own:
            own["stages"] = tuple(evolve(stage, batch_size=None) for stage in self.stages)
        if "classifier" in own:
            own["stages"] = ()
        with _naming_options():
            if stage:
                own["stages"] = _changed_stages(own.get("stages", self.stages), stage)
            if split:
                own["split"] = evolve(self.split, **split)
            return evolve(self, **own)


@plugin
class RecipeConfig:
    """What a recipe tells about itself: the experiment that it repeats, and what came out."""

    source: str = option("", help="where the experiment is published")
    reported: str = option("", help="the figure reported there")
    measured: str = option("", help="the figure that came out here; after a ; on what, how long")
    data: str = option("", help="its data, and the layout of it, where it is not fetched by itself")

    @classmethod
    def of(cls, table: dict[str, Any], source: str) -> Self:
        """Reads it from the TOML of a configuration; `source` is named in errors."""
        return _read_table(cls, table.get("recipe", {}), f"{source}: recipe")


def _without_flags(options: dict[str, Any], trackers: SpecList | str) -> dict[str, Any]:
    """Returns the options that are not None, with flags of trackers as options `trackers`."""
    given = {name: value for name, value in options.items() if value is not None}
    for name in given.keys() & set(tracker_flags()):
        before = given.get("trackers", trackers)
        given["trackers"] = _flagged(name, given.pop(name), before, "")
    return given


def _flagged(name: str, value: Any, trackers: Any, source: str) -> str:
    """Returns trackers with that of a flag, or without it; `source` is named in errors."""
    if not isinstance(value, bool):
        prefix = f"{source}: " if source else ""
        raise DlcvError(f"{prefix}{name}: expected true or false, received {show(value)}")
    meant = Spec.parse(tracker_flags()[name])
    listed = SpecList.parse(trackers) if isinstance(trackers, str) else SpecList(trackers)
    others = [spec for spec in listed if spec.name != meant.name]
    return str(SpecList([*others, meant] if value else others))


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a TOML file; raises `DlcvError` if it can't be."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DlcvError(f"can't read {final_path(path)}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DlcvError(f"{final_path(path)}: {error}") from None


@contextmanager
def _naming_options() -> Iterator[None]:
    """Leaves the class out of an error about an option: people see options, not classes."""
    try:
        yield
    except OptionError as error:
        raise DlcvError(f"{error.option}: {error.problem}") from None


def _changed_stages(
    stages: tuple[StageConfig, ...], changes: dict[str, Any]
) -> tuple[StageConfig, ...]:
    """Returns the only stage with options changed, or several with fewer epochs."""
    if not stages:
        raise DlcvError(
            f"{', '.join(changes)} belongs to a stage of training, and this run has none: it fits "
            "a classifier"
        )
    if len(stages) == 1:
        return (changed_stage(stages[0], **changes),)
    if others := [name for name in changes if name != "epochs"]:
        raise DlcvError(
            f"{', '.join(others)} belongs to a stage, and there are {len(stages)}; "
            "change it in the configuration file"
        )
    most = evolve(stages[0], **changes).epochs
    epochs = [stage.epochs for stage in stages]
    if most > max(epochs):
        raise DlcvError(
            f"epochs = {most} only shortens where there are several stages, and they have "
            f"{', '.join(map(str, epochs))}; change the configuration file"
        )
    return tuple(evolve(stage, epochs=min(stage.epochs, most)) for stage in stages)


def changed_stage(
    stage: StageConfig, *, learning_rate: float | None = None, **changes: object
) -> StageConfig:
    """Returns a copy of a stage with some options changed, and its optimizer's learning rate."""
    stage = evolve(stage, **changes)
    if learning_rate is None:
        return stage
    try:
        rate = read_value(learning_rate, float)
    except ValueError as error:
        raise DlcvError(f"learning_rate: {error}") from None
    options = {**stage.optimizer.options, "learning_rate": rate}
    return evolve(stage, optimizer=Spec(stage.optimizer.name, options))


def _read_table(cls: Any, table: Any, source: str) -> Any:
    if not isinstance(table, dict):
        raise DlcvError(f"{source}: expected a table, received {show(table)}")
    known = options_of(cls)
    values = {}
    for key, value in table.items():
        if key not in known:
            raise DlcvError(f'{source}: unknown key "{key}"{suggestion(key, known)}')
        value = _read_nested(known[key].type, value, f"{source}: {key}")
        try:
            values[key] = known[key].read(value)
        except (ValueError, DlcvError) as error:
            raise DlcvError(f"{source}: {key}: {error}") from None
    try:
        return cls(**values)
    except DlcvError as error:
        raise DlcvError(f"{source}: {error}") from None


def _read_nested(annotation: Any, value: Any, source: str) -> Any:
    """Reads nested tables; everything else is read by the option itself."""
    if _is_table_type(annotation):
        return _read_table(annotation, value, source)
    element = next(iter(typing.get_args(annotation)), None)
    if _is_table_type(element):
        if not isinstance(value, list):
            raise DlcvError(f"{source}: expected a list of tables, received {show(value)}")
        return tuple(_read_table(element, v, f"{source}[{i}]") for i, v in enumerate(value))
    return value


def _is_table_type(annotation: Any) -> bool:
    return isinstance(annotation, type) and annotation in (SplitConfig, StageConfig)


def _table(config: Any) -> dict[str, Any]:
    table = {name: getattr(config, name) for name in options_of(type(config))}
    return {name: _plain(value) for name, value in table.items() if value is not None}


def _plain(value: Any) -> Any:
    if _is_table_type(type(value)):
        return _table(value)
    if isinstance(value, Spec | SpecList):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return os.fspath(value) if isinstance(value, Path) else value
