"""Moving averages of weights (`use_ema` of an optimizer): used wherever weights are used.

Keras puts the averages in the place of the weights whenever `fit` ends, which may be in the middle
of a stage that goes on. Here that is done once, at the end of a stage; until then validation uses
the averages, and the training goes on with the weights.
"""

from typing import Any

import keras


def postpone(optimizer: keras.Optimizer) -> None:
    """Keeps `fit` from putting the averages in the place of the weights."""
    optimizer.finalize_variable_values = lambda variables: None


def finalize(model: keras.Model) -> None:
    """Puts the averages in the place of the weights, if there are any."""
    for weight, average in _pairs(model.optimizer):
        weight.assign(average)


def places(variables: list[Any], optimizer: keras.Optimizer) -> dict[int, int]:
    """Returns where the average of a weight is among a training's variables, by the weight's."""
    at = {id(variable): index for index, variable in enumerate(variables)}
    return {at[id(weight)]: at[id(average)] for weight, average in _pairs(optimizer)}


class ValidateAverages(keras.callbacks.Callback):
    """Validates with the averages.

    Keras's own `SwapEMAWeights` rounds the weights with TensorFlow: it adds and subtracts.
    """

    def on_test_begin(self, logs: Any = None) -> None:
        """Swaps weights and averages."""
        _swap(self.model.optimizer)

    def on_test_end(self, logs: Any = None) -> None:
        """Swaps them back."""
        _swap(self.model.optimizer)


def _swap(optimizer: keras.Optimizer) -> None:
    for weight, average in _pairs(optimizer):
        kept = keras.ops.convert_to_numpy(weight).copy()
        weight.assign(average)
        average.assign(kept)


def _pairs(optimizer: keras.Optimizer) -> list[tuple[Any, Any]]:
    """Returns each trained weight with its average; nothing where none are taken."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # That of loss scaling.
    if not inner.use_ema:
        return []
    averages = inner._model_variables_moving_average
    return list(zip(inner._trainable_variables, averages, strict=True))
