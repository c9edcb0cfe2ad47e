"""The settings of runs: those that decide the numbers, where they differ."""

import contextlib
from collections.abc import Sequence
from typing import Any

from dlcv.api import RunConfig, SplitConfig, StageConfig
from dlcv.errors import SpecError
from dlcv.interfaces import options_of
from dlcv.registry import Spec, SpecList

UNIMPORTANT = (
    "architecture", "evaluators", "sections", "threads", "checkpoint_every", "keep_checkpoints",
    "trackers", "bad_images", "jit_compile",
)  # fmt: skip
"""Options of a run that are not what sets its accuracy apart, or are told elsewhere."""


def networks(configs: Sequence[RunConfig]) -> list[str]:
    """Returns each run's network, with the options that others of the name have otherwise."""
    specs = [config.architecture for config in configs]
    texts = []
    for spec in specs:
        others = [other for other in specs if other.name == spec.name]
        differing = {
            name: value
            for name, value in spec.options.items()
            if any(other.options.get(name) != value for other in others)
        }
        texts.append(str(Spec(spec.name, differing)))
    return texts


def differing_settings(configs: Sequence[RunConfig]) -> list[dict[str, str]]:
    """Returns each run's settings that are not the same for all, as text by name.

    Plugins of the same name are compared option by option: `optimizer.learning_rate`. With a
    single stage, its options go without its number.
    """
    several = max(len(config.stages) for config in configs) > 1
    tables = [_settings(config, several) for config in configs]
    differing: list[dict[str, str]] = [{} for _ in configs]
    for key in dict.fromkeys(key for table in tables for key in table):
        for name, values in _compared(key, [table.get(key) for table in tables]):
            if len({*values}) > 1:
                for settings, value in zip(differing, values, strict=True):
                    settings[name] = value
    return differing


def _settings(config: RunConfig, several_stages: bool) -> dict[str, Any]:
    settings = {n: getattr(config, n) for n in options_of(RunConfig) if n not in UNIMPORTANT}
    settings |= {f"split.{n}": getattr(config.split, n) for n in options_of(SplitConfig)}
    for number, stage in enumerate(config.stages, 1):
        prefix = f"stage{number}." if several_stages else ""
        of_stage = {f"{prefix}{n}": getattr(stage, n) for n in options_of(StageConfig)}
        # A stage has the run's batch size unless it has its own.
        of_stage[f"{prefix}batch_size"] = stage.batch_size or config.batch_size
        settings |= of_stage
    if several_stages:
        del settings["batch_size"]
    del settings["split"], settings["stages"]
    with contextlib.suppress(SpecError):
        settings["data"] = Spec.parse(config.data)
    return settings


def _compared(key: str, values: list[Any]) -> list[tuple[str, list[str]]]:
    """Returns a setting of all runs as text, or the options of a plugin that all of them name."""
    plugins = [value for value in values if isinstance(value, Spec | SpecList)]
    lists = [SpecList([value]) if isinstance(value, Spec) else value for value in plugins]
    if len(lists) < len(values):
        # Where only some runs have the plugin, all with the same options, these tell nothing.
        same = len({*map(str, plugins)}) == 1
        short = [value.name if same and isinstance(value, Spec) else value for value in values]
        return [(key, [_text(value) for value in short])]
    names = {tuple(spec.name for spec in each) for each in lists}
    if len(names) > 1:
        # A single plugin is told with its options, several by their names.
        return [(key, [str(v) if isinstance(v, Spec) else _names(v) for v in plugins])]
    compared = []
    for specs in zip(*lists, strict=True):
        prefix = specs[0].name if isinstance(values[0], SpecList) else key
        for option in dict.fromkeys(option for spec in specs for option in spec.options):
            texts = [_text(spec.options.get(option)) for spec in specs]
            compared.append((f"{prefix}.{option}", texts))
    return compared


def _names(specs: SpecList) -> str:
    return ", ".join(spec.name for spec in specs)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " x ".join(map(_text, value))
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
