"""From a configuration to the plugins and data that it names."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import attrs

from dlcv import backend, images, registry
from dlcv.config import ALL_SECTIONS, AUTO, RunConfig
from dlcv.data.fitting import fit_to_input, learn
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline, refuse_views
from dlcv.data.sources import Dataset, find_store, open_dataset
from dlcv.data.split import give_way
from dlcv.interfaces import (
    Architecture,
    DatasetStore,
    Evaluator,
    Plugin,
    Preprocessor,
    Schedule,
    Size,
    Tracker,
    Trainer,
    evolve,
)
from dlcv.registry.defaults import default_or_none
from dlcv.registry.spec import Spec, SpecList

if TYPE_CHECKING:
    import numpy as np


@attrs.frozen
class Plugins:
    """The plugins that a configuration names, made.

    Attributes:
        store: The data.
        steps: The preprocessors as written.
        architecture: The network.
        schedules: A schedule a stage.
        evaluators: The evaluators.
        classifier: What is fitted instead of stages; None where a network is trained.
        trainer: The way of learning that is named; None where none is.
        trackers: What follows the run.
        groupings: What keeps images together where the data is divided.
    """

    store: DatasetStore
    steps: tuple[Preprocessor, ...]
    architecture: Architecture
    schedules: tuple[Schedule, ...]
    evaluators: tuple[Evaluator, ...]
    classifier: Plugin | None = None
    trainer: Trainer | None = None
    trackers: tuple[Tracker, ...] = ()
    groupings: tuple[Plugin, ...] = ()

    @classmethod
    def of(cls, config: RunConfig) -> "Plugins":
        """Makes all plugins; raises `DlcvError` for the first that can't be."""
        architecture = registry.create("architecture", config.architecture)
        # No number depends on sections, but a name that is wrong shows before hours of training.
        registry.create_list("section", (s for s in config.sections if s != Spec(ALL_SECTIONS)))
        return cls(
            classifier=_made("classifier", config.classifier),
            trainer=_made("trainer", config.trainer),
            trackers=tuple(registry.create_list("tracker", config.trackers)),
            groupings=tuple(registry.create_list("grouping", config.split.groups or ())),
            architecture=architecture,
            steps=make_steps(config.preprocessors, architecture),
            schedules=tuple(registry.create("schedule", s.schedule) for s in config.stages),
            evaluators=tuple(registry.create_list("evaluator", config.evaluators)),
            store=find_store(config.data),
        )

    def all(self) -> tuple[Plugin, ...]:
        """Returns them in one row."""
        learned = (self.architecture, self.classifier, *self.schedules)
        made = (self.store, *self.steps, *learned, *self.evaluators, self.trainer, *self.trackers)
        return tuple(each for each in (*made, *self.groupings) if each is not None)


def _made(kind: str, spec: Spec | None) -> Any:
    return None if spec is None else registry.create(kind, spec)


def make_steps(specs: SpecList, architecture: Architecture) -> tuple[Preprocessor, ...]:
    """Makes preprocessors; `auto` among them becomes the value steps that the network wants.

    A network that wants `auto` itself gets those that an installed package chooses, if one does.
    """
    own = SpecList()
    if Spec(AUTO) in specs:
        wanted = architecture.preprocessors
        own = SpecList.parse(default_or_none("value_steps") or "" if wanted == AUTO else wanted)
    steps = [s for spec in specs for s in (own if spec == Spec(AUTO) else (spec,))]
    return tuple(registry.create_list("preprocessor", steps))


@attrs.frozen(eq=False)
class Experiment:
    """A configuration with nothing left open, its plugins, and its data.

    Attributes:
        config: The configuration, complete.
        plugins: What it names.
        data: The data, divided.
        pipeline: The preprocessors, prepared on the training images.
        input_shape: `(H, W, C)` of the network's input.
    """

    config: RunConfig
    plugins: Plugins
    data: Dataset
    pipeline: Pipeline
    input_shape: tuple[int, int, int]

    @classmethod
    def prepare(
        cls,
        config: RunConfig,
        *,
        yielding: Collection[str] = (),
        check: Callable[[RunConfig], None] = lambda config: None,
    ) -> "Experiment":
        """Opens the data and fills in what the configuration leaves open.

        Args:
            config: The configuration.
            yielding: Options of its split that parts which the data has go before.
            check: Checks settings of its own before images are read, which may take minutes.

        Raises:
            DlcvError: a plugin or the data can't be used.
        """
        config = evolve(config, split=config.split.with_groups())
        plugins = Plugins.of(config)
        plugins = attrs.evolve(plugins, architecture=plugins.architecture.prepare())
        if yielding:
            split = give_way(config.split, plugins.store.splits(), yielding)
            config = evolve(config, split=split)
        refuse_views(plugins.steps)
        check(config)
        threads = config.threads or backend.available_threads()
        data = _open(config, plugins, threads)
        pipeline, size = fit_pipeline(config, plugins, data)
        plugins = attrs.evolve(plugins, steps=pipeline.steps)
        complete = _complete(config, plugins, data, size, threads)
        learned = learn(pipeline.with_sizes(size), data.splits["train"], size, threads)
        return cls(complete, plugins, data, learned, input_shape(learned, data))

    @classmethod
    def reopen(
        cls, config: RunConfig, pipeline: Pipeline, groups: "np.ndarray | None" = None
    ) -> "Experiment":
        """Opens the data of a run again, with the pipeline that it learned, and `Run.groups`."""
        plugins = Plugins.of(config)
        # What the run kept decides, not what would be found now.
        kept = evolve(config, split=evolve(config.split, groups=None))
        data = _open(kept, plugins, config.threads or 1, groups, announce=False)
        return cls(config, plugins, data, pipeline, input_shape(pipeline, data))

    def loader(self, split: str) -> Loader:
        """Returns the batches of a split, shuffled and random for `train` only."""
        return Loader(
            self.data.splits[split],
            self.pipeline,
            batch_size=self.config.batch_size,
            threads=self.config.threads or 1,
            seed=self.config.seed if split == "train" else None,
        )

    @property
    def held_out(self) -> str:
        """The split for the final figures: `test`, or `val` where the data has no other."""
        return "test" if "test" in self.data.splits else "val"

    def fingerprints(self) -> dict[str, str]:
        """Returns a fingerprint of each split's images."""
        return {name: images.fingerprint() for name, images in self.data.splits.items()}


def _open(
    config: RunConfig,
    plugins: Plugins,
    threads: int,
    groups: "np.ndarray | None" = None,
    *,
    announce: bool = True,
) -> Dataset:
    return open_dataset(
        plugins.store,
        config.split,
        bad_images=config.bad_images,
        threads=threads,
        fraction=config.fraction,
        announce=announce,
        groups=groups,
    )


def fit_pipeline(config: RunConfig, plugins: Plugins, data: Dataset) -> tuple[Pipeline, Size]:
    """Returns a run's preprocessors, with open sizes still open, and its network's input size.

    Raises:
        DlcvError: the preprocessors do not bring the images to one size.
    """
    return fit_to_input(
        plugins.steps,
        data.splits["train"].image_shape,
        input_size=None if config.input_size is None else images.pair(config.input_size),
        default_size=plugins.architecture.default_size,
        # Photos that happen to have one size are no wish for a network of that size.
        size_is_meant=data.declares_size,
    )


def input_shape(pipeline: Pipeline, data: Dataset) -> tuple[int, int, int]:
    """Returns `(H, W, C)` of the images after the pixel steps."""
    height, width, channels = pipeline.output_shape(data.splits["train"].image_shape)
    assert height is not None
    assert width is not None
    return height, width, channels


def _complete(
    config: RunConfig, plugins: Plugins, data: Dataset, size: Size, threads: int
) -> RunConfig:
    """Writes every option of every plugin, and how the data was divided, into the configuration."""
    spec_of = registry.spec_of
    stages = [
        evolve(stage, schedule=spec_of(schedule))
        for stage, schedule in zip(config.stages, plugins.schedules, strict=True)
    ]
    return evolve(
        config,
        data=str(spec_of(plugins.store)),
        preprocessors=SpecList(map(spec_of, plugins.steps)),
        architecture=spec_of(plugins.architecture),
        classifier=plugins.classifier and spec_of(plugins.classifier),
        trainer=plugins.trainer and spec_of(plugins.trainer),
        evaluators=SpecList(map(spec_of, plugins.evaluators)),
        trackers=SpecList(map(spec_of, plugins.trackers)),
        input_size=size,
        split=evolve(data.split, groups=SpecList(map(spec_of, plugins.groupings))),
        stages=tuple(stages),
        threads=threads,
        initial_weights=config.initial_weights and config.initial_weights.expanduser().absolute(),
    )
