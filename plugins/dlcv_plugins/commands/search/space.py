"""What a search varies: ranges and choices by name, and configurations with values from them."""

import ast
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from dlcv import registry
from dlcv.api import Plugins, RunConfig, StageConfig, backend, changed_stage
from dlcv.errors import DlcvError, suggestion
from dlcv.interfaces import evolve, options_of
from dlcv.registry import Spec, SpecList

if TYPE_CHECKING:
    import optuna

STAGE = ("learning_rate", *(name for name in options_of(StageConfig) if name != "loss"))
RUN = ("architecture", "preprocessors", "input_size", "batch_size", "seed", "precision")
VARIED = tuple(dict.fromkeys((*RUN, "initial_weights", *STAGE)))
"""The options that may be varied; with others, validation losses could not be compared."""
EXPECTED = "write a range, (0, 30) or log(1e-4, 1e-1), or choices, [resnet, minivggnet]"


@attrs.frozen
class Dimension:
    """One thing that is varied: a range of numbers, or choices.

    Attributes:
        name: `learning_rate`, `stages.2.epochs`, or `preprocessors.affine.rotation`: an option,
            and after it a plugin that it names and an option of that.
        low: The smallest number of a range.
        high: The largest one.
        is_log: Whether factors count, not differences.
        is_whole: Whether the numbers are whole ones.
        choices: Texts and numbers to choose from; empty for a range.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False
    is_whole: bool = False
    choices: tuple[Any, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Dimension":
        """Reads `NAME=(LOW, HIGH)`, `NAME=log(LOW, HIGH)` or `NAME=[CHOICE, ...]`.

        Raises:
            DlcvError: it is none of them, the range is empty, or there is nothing to choose.
        """
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise DlcvError(f'vary: "{text}" names no option; write NAME=VALUES: {EXPECTED}')
        try:
            tree = ast.parse(values, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise DlcvError(f'vary: {name}: can\'t read "{values}"; {EXPECTED}') from None
        match tree:
            case ast.List(elts=[_, *_] as elements):
                choices = tuple(_choice(element, values) for element in elements)
                if len({*map(str, choices)}) < max(2, len(choices)):
                    raise DlcvError(
                        f"vary: {name}: {values} has fewer than two choices, or one of them twice"
                    )
                return cls(name, choices=choices)
            case ast.Tuple(elts=[low, high]):
                return cls._range(name, _number(low), _number(high), values, is_log=False)
            case ast.Call(func=ast.Name(id="log"), args=[low, high], keywords=[]):
                return cls._range(name, _number(low), _number(high), values, is_log=True)
        raise DlcvError(f'vary: {name}: can\'t read "{values}"; {EXPECTED}')

    @classmethod
    def _range(
        cls, name: str, low: float | None, high: float | None, text: str, *, is_log: bool
    ) -> "Dimension":
        if low is None or high is None:
            raise DlcvError(f"vary: {name}: {text} has ends that are no finite numbers; {EXPECTED}")
        if not low < high:
            raise DlcvError(f"vary: {name}: the range {text} is empty; write the smaller end first")
        if is_log and low <= 0:
            raise DlcvError(f"vary: {name}: {text} must begin above 0, for factors count")
        is_whole = isinstance(low, int) and isinstance(high, int)
        return cls(name, low, high, is_log, is_whole)

    @property
    def samples(self) -> tuple[Any, ...]:
        """The choices, or both ends of the range."""
        return self.choices or (self.low, self.high)

    def suggest(self, trial: "optuna.Trial") -> Any:
        """Returns a trial's value, which Optuna chooses or has chosen before."""
        if self.choices:
            return trial.suggest_categorical(self.name, list(self.choices))
        if self.is_whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.is_log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.is_log)


def read_space(config: RunConfig, texts: Iterable[str]) -> tuple[Dimension, ...]:
    """Returns what is varied, tried out on a configuration: options before those of plugins.

    A range with whole ends has whole numbers where its option takes no others.

    Raises:
        DlcvError: a name does not exist, is there twice or can't be varied, or a value is refused.
    """
    found = [Dimension.parse(text) for text in texts]
    if not found:
        raise DlcvError(
            f"vary: nothing is varied; name an option with --vary NAME=VALUES: {EXPECTED}"
        )
    names = [dimension.name for dimension in found]
    for name in names:
        if names.count(name) > 1:
            raise DlcvError(f"vary: {name} is named twice; remove one")
    # A plugin comes before its options, and an optimizer before its rate.
    found.sort(key=lambda d: (d.name.count("."), d.name.endswith("learning_rate")))
    bases = [config]
    settled: list[Dimension] = []
    for dimension in found:
        settled.append(_settled(dimension, bases))
        if "." not in dimension.name:
            bases += [applied(config, {dimension.name: value}) for value in dimension.samples]
    return tuple(settled)


def _settled(dimension: Dimension, bases: list[RunConfig]) -> Dimension:
    """Tries a dimension on the first configuration that it applies to."""
    problem: DlcvError | None = None
    for base in bases:
        try:
            for value in dimension.samples:
                _check(applied(base, {dimension.name: value}, is_strict=True), dimension.name)
        except _DoesNotApplyError as error:
            problem = problem or error
            continue
        if dimension.is_whole:
            try:
                _check(applied(base, {dimension.name: dimension.low + 0.5}), dimension.name)
            except DlcvError:
                return dimension
            return attrs.evolve(dimension, is_whole=False)
        return dimension
    assert problem is not None
    raise problem


def _check(config: RunConfig, name: str) -> None:
    """Makes what a configuration names; raises a `DlcvError` that names the option."""
    try:
        Plugins.of(config)
        if name.startswith(("optimizer", "stages.")):
            backend.start(config.threads or backend.available_threads())
            from dlcv_plugins.training.compiling import check_stage

            for stage in config.stages:
                check_stage(stage)
    except DlcvError as error:
        raise DlcvError(f"vary: {name}: {error}") from None


def chosen(space: Iterable[Dimension], config: RunConfig, trial: "optuna.Trial") -> RunConfig:
    """Returns a trial's configuration; what does not apply to its plugins is not varied."""
    for dimension in space:
        try:
            applied(config, {dimension.name: dimension.samples[0]}, is_strict=True)
        except _DoesNotApplyError:
            continue
        config = applied(config, {dimension.name: dimension.suggest(trial)})
    return config


def applied(config: RunConfig, values: Mapping[str, Any], *, is_strict: bool = False) -> RunConfig:
    """Returns a configuration with values by the names that dimensions have.

    Args:
        config: The configuration.
        values: The values; of choices, texts as they are written.
        is_strict: Whether a plugin that the configuration does not name is an error.

    Raises:
        DlcvError: a name does not exist, or a value is refused.
    """
    for name, value in values.items():
        try:
            config = _changed(config, name, value)
        except _DoesNotApplyError:
            if is_strict:
                raise
        except DlcvError as error:
            problem = str(error).removeprefix("vary: ").removeprefix(f"{name}: ")
            raise DlcvError(f"vary: {name}: {problem}") from None
    return config


class _DoesNotApplyError(DlcvError):
    """An option of a plugin that the configuration does not name."""


def _changed(config: RunConfig, name: str, value: Any) -> RunConfig:
    """Returns a configuration with one value."""
    first, *rest = name.split(".")
    if first == "stages":
        return _changed_stage(config, name, rest, value)
    if first not in VARIED:
        _refuse(first, name)
    if not rest:
        return config.with_options(**{first: _plain(value)})
    owner: Any = config
    if first in options_of(StageConfig) and first not in options_of(RunConfig):
        if len(config.stages) != 1:
            raise DlcvError(
                f"vary: {name}: there are {len(config.stages)} stages; name one: stages.1.{name}"
            )
        owner = config.stages[0]
    return config.with_options(**{first: _within(getattr(owner, first), rest, name, value)})


def _changed_stage(config: RunConfig, name: str, rest: list[str], value: Any) -> RunConfig:
    number = int(rest[0]) if rest and rest[0].isdecimal() else 0
    if not 1 <= number <= len(config.stages) or len(rest) < 2:
        raise DlcvError(
            f"vary: {name}: name a stage by its number, 1 to {len(config.stages)}, and an option: "
            "stages.1.learning_rate"
        )
    option, *inner = rest[1:]
    if option not in STAGE:
        _refuse(option, name)
    stages = list(config.stages)
    stage = stages[number - 1]
    changed = _within(getattr(stage, option), inner, name, value) if inner else _plain(value)
    stages[number - 1] = changed_stage(stage, **{option: changed})
    return evolve(config, stages=tuple(stages))


def _within(value: Any, path: list[str], name: str, new: Any) -> Any:
    """Returns a spec, or a list of them, with an option of one plugin changed.

    Args:
        value: The spec, or the list.
        path: The plugin's name, an option of it, and so on further within.
        name: The whole name, for errors.
        new: The new value.
    """
    if isinstance(value, SpecList):
        if path[0] not in [spec.name for spec in value]:
            raise _not_named(name, path[0], value)
        return SpecList(
            _within(spec, path, name, new) if spec.name == path[0] else spec for spec in value
        )
    if not isinstance(value, Spec):
        raise DlcvError(f"vary: {name}: {'.'.join(path)} names no option of a plugin there")
    if value.name != path[0]:
        raise _not_named(name, path[0], [value])
    if len(path) < 2:
        raise DlcvError(f"vary: {name}: name an option of {path[0]}: {name}.OPTION")
    option, *inner = path[1:]
    before = value.options.get(option)
    changed = _within(before, inner, name, new) if inner else _as_option(new)
    return Spec(value.name, {**value.options, option: changed})


def _not_named(name: str, plugin: str, there: Iterable[Spec]) -> _DoesNotApplyError:
    known = ", ".join(spec.name for spec in there) or "nothing"
    return _DoesNotApplyError(
        f"vary: {name}: the configuration names no {plugin} there, but {known}; add {plugin} to it"
    )


def _refuse(option: str, name: str) -> None:
    """Raises a `DlcvError` for an option that does not exist, or can't be varied."""
    known = (*options_of(RunConfig), *STAGE, "loss", "test", "validation", "groups")
    if option not in known:
        raise DlcvError(f'vary: a run has no option "{option}"{suggestion(option, VARIED)}')
    raise DlcvError(
        f"vary: {name} can't be varied, since trials are compared by one loss on the same "
        f"validation images; what can: {', '.join(VARIED)}"
    )


def _plain(value: Any) -> Any:
    """Returns a choice as an option of a run takes it: names stay text, tuples become tuples."""
    if isinstance(value, str) and value.startswith("("):
        return registry.parse_value(value)
    return value


def _as_option(value: Any) -> Any:
    """Returns a choice as an option in a spec: a bare word or a plugin as a spec."""
    return registry.parse_value(value) if isinstance(value, str) else value


def _choice(node: ast.expr, source: str) -> Any:
    """Returns a number, True or False as they are, and anything else as text."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if isinstance(value, bool | int | float | str):
        return value
    return ast.get_source_segment(source, node) or ""


def _number(node: ast.expr) -> float | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and math.isfinite(value) else None
