"""Compiling: Keras's optimizers and losses by name, such as `sgd(learning_rate=0.1)`."""

import inspect
import re
from typing import Any

import keras
import numpy as np

from dlcv.api import StageConfig, lower
from dlcv.errors import SpecError, suggestion
from dlcv.interfaces import Schedule, read_value
from dlcv.registry import Spec
from dlcv_plugins.devices.sharing import share
from dlcv_plugins.training import batch_normalization

JIT_COMPILE = {"auto": "auto", "on": True, "off": False}
SAME_LOSS = {"sparse_categorical_crossentropy": "categorical_crossentropy"}
"""Losses of labels that are whole numbers, and those of the same value for one-hot labels."""
NUMBERS = {
    "weight_decay": float,
    "clipnorm": float,
    "clipvalue": float,
    "global_clipnorm": float,
    "loss_scale_factor": float,
    "gradient_accumulation_steps": int,
    "ema_overwrite_frequency": int,
}
"""Options of optimizers whose default, None, does not tell their type; all must be above 0."""


def check_stage(stage: StageConfig) -> None:
    """Makes a stage's loss and optimizer, to see that they can be made.

    Raises:
        SpecError: Keras does not know the optimizer or the loss, or refuses an option.
    """
    make_loss(stage.loss)
    spec = stage.optimizer
    cls = _find("optimizer", spec, _optimizers())
    _construct(cls, spec, {**_values(cls, spec), "learning_rate": initial_rate(spec)})


def compile_stage(
    model: keras.Model,
    stage: StageConfig,
    schedule: Schedule,
    steps_per_epoch: int,
    jit_compile: str = "auto",
) -> np.ndarray:
    """Compiles a network for a stage and returns the learning rate of each of its steps.

    Raises:
        SpecError: Keras does not know the optimizer or the loss.
    """
    optimizer, rates = make_optimizer(stage.optimizer, schedule, stage.epochs, steps_per_epoch)
    model.compile(
        optimizer=optimizer,
        loss=loss_of_probabilities(make_loss(stage.loss), model),
        metrics=["accuracy"],
        jit_compile=JIT_COMPILE[jit_compile],
    )
    batch_normalization.fuse(model)
    share(model)
    return rates


def make_optimizer(
    spec: Spec, schedule: Schedule, epochs: int, steps_per_epoch: int
) -> tuple[keras.Optimizer, np.ndarray]:
    """Returns an optimizer that follows a schedule, and the rate of every step.

    Raises:
        SpecError: Keras has no such optimizer, or it has no such option, or refuses a value.
    """
    cls = _find("optimizer", spec, _optimizers())
    values = _values(cls, spec)
    rates = schedule.rates(epochs, steps_per_epoch, initial_rate(spec))
    optimizer = _construct(cls, spec, {**values, "learning_rate": _Rates(rates)})
    _keep_from_reducing(optimizer)
    return optimizer, rates


def _keep_from_reducing(optimizer: keras.Optimizer) -> None:
    """Keeps an optimizer from summing gradients over replicas where there is only one.

    TensorFlow registers a function for the gradient of the sum, with the graph of the training, and
    keeps it as long as the process lives: 9 MB for each training.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if not tf.distribute.has_strategy():
            optimizer._all_reduce_sum_gradients = lambda gradients: gradients


def initial_rate(spec: Spec) -> float:
    """Returns the learning rate of an optimizer: its option, or Keras's default.

    Raises:
        SpecError: Keras has no such optimizer, or the rate is no number above 0.
    """
    cls = _find("optimizer", spec, _optimizers())
    default = inspect.signature(cls).parameters["learning_rate"].default
    initial = _values(cls, spec).get("learning_rate", default)
    if isinstance(initial, bool) or not isinstance(initial, int | float) or initial <= 0:
        raise SpecError(f"{spec.name}: learning_rate: expected a number > 0, received {initial}")
    return float(initial)


def make_loss(spec: Spec) -> keras.Loss:
    """Returns a loss; one of labels as whole numbers is that of the same value for one-hot ones.

    Raises:
        SpecError: Keras has no such loss, it has no such option, or it does not fit one-hot labels.
    """
    known = _losses()
    if spec.name not in known:  # Those that fit are found by trying all, which takes a moment.
        known = {name: cls for name, cls in known.items() if _takes_one_hot_labels(cls())}
    cls = _find("loss", spec, known)
    loss = _construct(cls, spec, _values(cls, spec))
    if not _takes_one_hot_labels(loss):
        raise SpecError(
            f"{spec} does not fit: it takes no one-hot labels with probabilities; "
            "categorical_crossentropy does"
        )
    return loss


def loss_of_probabilities(loss: keras.Loss, model: keras.Model) -> keras.Loss:
    """Makes a loss see a network's probabilities where its logits belong to another activation.

    With TensorFlow, Keras takes the logits behind a softmax or sigmoid, whichever it is, and
    applies what the loss expects: to the logits of a softmax, `binary_crossentropy` applies a
    sigmoid. Other back ends take the probabilities.

    Args:
        loss: The loss; it is changed.
        model: The network.
    """
    if _activation(model) == _expected_activation(loss):
        return loss
    on_probabilities = loss.call
    # A product is a new tensor, which knows no logits; with 1 it has the same values.
    loss.call = lambda y_true, y_pred: on_probabilities(y_true, y_pred * 1)
    return loss


def _activation(model: keras.Model) -> str:
    """Returns the name of a network's last activation, such as `softmax`."""
    last = model.outputs[0]._keras_history.operation
    activation = getattr(last, "activation", None)
    return str(getattr(activation, "__name__", _snake_case(type(last).__name__)))


def _expected_activation(loss: keras.Loss) -> str:
    """Returns the activation whose logits a loss can take in its place."""
    binary = keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy
    return "sigmoid" if isinstance(loss, binary) else "softmax"


class _Rates(keras.optimizers.schedules.LearningRateSchedule):
    """The rates of all steps as a table, which is exact on every back end."""

    def __init__(self, rates: np.ndarray) -> None:
        self.rates = rates

    def __call__(self, step: Any) -> Any:
        last = len(self.rates) - 1
        table = keras.ops.convert_to_tensor(self.rates)
        return keras.ops.take(table, keras.ops.minimum(keras.ops.cast(step, "int32"), last))

    def get_config(self) -> dict[str, Any]:
        return {"rates": self.rates.tolist()}


def _optimizers() -> dict[str, type]:
    base = keras.optimizers.Optimizer
    found = {n.lower(): c for n, c in vars(keras.optimizers).items() if inspect.isclass(c)}
    return {
        name: cls
        for name, cls in found.items()
        if issubclass(cls, base) and cls is not base and "learning_rate" in _parameters(cls)
    }


def _losses() -> dict[str, type]:
    base = keras.losses.Loss
    found = {_snake_case(n): c for n, c in vars(keras.losses).items() if inspect.isclass(c)}
    losses = {n: c for n, c in found.items() if issubclass(c, base) and c is not base}
    return {name: losses[SAME_LOSS.get(name, name)] for name in losses}


def _takes_one_hot_labels(loss: keras.Loss) -> bool:
    """Returns whether a loss gives a number for a tiny batch; Keras has some for other tasks."""
    labels = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    try:
        value = loss(labels, 0.7 * labels + np.float32(0.1))
    except Exception:  # Of any kind, since back ends raise their own.
        return False
    return bool(np.isfinite(keras.ops.convert_to_numpy(value)).all())


def _find(kind: str, spec: Spec, known: dict[str, type]) -> type:
    if spec.name not in known:
        hint = suggestion(spec.name.lower(), known) or f"; Keras has {', '.join(sorted(known))}"
        raise SpecError(f'unknown {kind} "{spec.name}"{spec.at()}{hint}')
    return known[spec.name]


def _values(cls: type, spec: Spec) -> dict[str, Any]:
    """Returns an object's options, compared in type with Keras's defaults: Keras checks little."""
    known = _parameters(cls)
    for name in spec.options:
        if name not in known:
            hint = suggestion(name, known) or f"; its options are {', '.join(known)}"
            raise SpecError(f'{spec.name} has no option "{name}"{spec.at(name)}{hint}')
    defaults = inspect.signature(cls).parameters
    values: dict[str, Any] = {}
    for name, value in spec.options.items():
        try:
            values[name] = lower(value, None)
            if isinstance(defaults[name].default, bool | int | float | str):
                kind = type(defaults[name].default)
                values[name] = read_value(values[name], float if kind is int else kind)
            elif name in NUMBERS and values[name] is not None:
                values[name] = _above_zero(values[name], NUMBERS[name])
            if name == "label_smoothing" and not 0 <= values[name] <= 1:
                raise ValueError(f"expected a number from 0 to 1, received {value}")
        except ValueError as error:
            raise SpecError(f"{spec.name}: {name}: {error}{spec.at(name)}") from None
    return values


def _above_zero(value: Any, kind: type) -> Any:
    read = read_value(value, kind)
    if read <= 0:
        raise ValueError(f"expected a number > 0, received {value}")
    return read


def _construct(cls: type, spec: Spec, values: dict[str, Any]) -> Any:
    try:
        return cls(**values)
    except (ValueError, TypeError) as error:
        raise SpecError(f"{spec}: {str(error).splitlines()[0]}") from None


def _parameters(cls: type) -> list[str]:
    # What belongs to saved configurations, not to people.
    hidden = {"self", "name", "kwargs", "dtype", "reduction"}
    return [name for name in inspect.signature(cls).parameters if name not in hidden]


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
