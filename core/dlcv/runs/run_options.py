"""The options of `dlcv.run` and `dlcv.resume` as keywords, for editors and type checkers.

They are those of the configuration's classes, which check the values; a test compares the names.
"""

import os
from collections.abc import Sequence
from typing import Literal, TypeAlias, TypedDict

from dlcv.config import SplitConfig, StageConfig
from dlcv.interfaces import Plugin
from dlcv.registry.spec import Spec

One: TypeAlias = str | Spec | Plugin
"""A plugin, as text such as `resnet(width=2)`, or made."""
Several: TypeAlias = str | Sequence[One]
"""Plugins, as one text with commas or one by one."""
FilePath: TypeAlias = str | os.PathLike[str]


class StageOptions(TypedDict, total=False):
    """Options of a stage of training."""

    epochs: int
    stop_after: int
    batch_size: int
    optimizer: str | Spec
    learning_rate: float
    schedule: One
    loss: str | Spec
    trainable: str
    early_stopping: int | None
    early_stopping_weights: Literal["best", "last"]
    class_weights: Literal["none", "balanced"]
    batch_statistics: Literal["auto", "moving", "precise"]


class RunOptions(StageOptions, total=False):
    """Options of a run, of its split, and of its only stage."""

    data: FilePath | One
    preprocessors: Several
    architecture: One
    input_size: int | tuple[int, int] | None
    classifier: One | None
    evaluators: Several
    sections: Several
    seed: int
    members: int
    threads: int | None
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    initial_weights: FilePath | None
    jit_compile: Literal["auto", "on", "off"]
    bad_images: Literal["error", "skip"]
    fraction: float
    checkpoint_every: int
    keep_checkpoints: int | None
    trainer: One | None
    trackers: Several
    split: SplitConfig
    stages: Sequence[StageConfig]
    test: float | None
    validation: float | Literal["test"] | None
    train_validation: float | None
    small_classes: Literal["error", "skip", "train"]
    groups: Several | None
