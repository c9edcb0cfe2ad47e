"""Optimizers and losses by Keras's names."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from dlcv import registry
from dlcv.config import StageConfig
from dlcv.errors import SpecError
from dlcv.registry.spec import Spec
from dlcv_plugins.training.compiling import compile_stage, make_loss, make_optimizer

CONSTANT = registry.create("schedule", "constant")


@pytest.mark.parametrize(
    ("text", "cls"),
    [
        ("sgd(learning_rate=0.1, momentum=0.9, nesterov=True)", keras.optimizers.SGD),
        ("adam", keras.optimizers.Adam),
        ("adamw(weight_decay=0.01)", keras.optimizers.AdamW),
        ("rmsprop(rho=0.9)", keras.optimizers.RMSprop),
        ("adagrad", keras.optimizers.Adagrad),
        ("adadelta", keras.optimizers.Adadelta),
        ("nadam", keras.optimizers.Nadam),
    ],
)
def test_optimizers_of_the_source_are_found(text: str, cls: type) -> None:
    optimizer, _ = make_optimizer(Spec.parse(text), CONSTANT, 2, 3)

    assert type(optimizer) is cls
    for name, value in Spec.parse(text).options.items():
        if name != "learning_rate":
            assert getattr(optimizer, name) == value


def test_optimizer_follows_the_schedule_step_by_step() -> None:
    schedule = registry.create("schedule", "poly(power=2)")
    optimizer, rates = make_optimizer(Spec.parse("sgd(learning_rate=0.5)"), schedule, 2, 5)

    expected = [0.5 * (1 - step / 10) ** 2 for step in range(10)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)
    variable = keras.Variable(0.0)
    optimizer.build([variable])
    seen = []
    for _ in range(10):
        before = float(variable)
        optimizer.apply([keras.ops.ones(())])
        seen.append(before - float(variable))
    np.testing.assert_allclose(seen, expected, rtol=1e-4)


def test_rate_of_an_optimizer_that_names_none_is_keras_default() -> None:
    _, rates = make_optimizer(Spec.parse("adam"), CONSTANT, 1, 2)

    np.testing.assert_allclose(rates, [0.001, 0.001])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("adm", 'unknown optimizer "adm" at column 1 of "adm"; did you mean "adam"'),
        ("optimizer", 'unknown optimizer "optimizer"'),
        ("SGD", 'unknown optimizer "SGD" .*; did you mean "sgd"'),
        ("sgd(momentun=0.9)", 'sgd has no option "momentun" at column 5 .*"momentum"'),
        ("sgd(learning_rate=-1)", "learning_rate: expected a number > 0, received -1"),
        ("sgd(learning_rate=fast)", 'learning_rate: expected float, received "fast"'),
        ("sgd(nesterov=false)", 'nesterov: expected True or False, received "false" at column 5'),
        ("adam(epsilon=fast)", 'epsilon: expected float, received "fast"'),
        ("sgd(momentum=7)", "momentum"),
    ],
)
def test_optimizer_that_does_not_exist_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_optimizer(Spec.parse(text), CONSTANT, 1, 1)


def test_losses_are_found_with_their_options() -> None:
    loss = make_loss(Spec.parse("categorical_crossentropy(label_smoothing=0.1)"))

    assert isinstance(loss, keras.losses.CategoricalCrossentropy)
    assert loss.label_smoothing == 0.1
    assert isinstance(make_loss(Spec.parse("mean_squared_error")), keras.losses.MeanSquaredError)
    assert isinstance(make_loss(Spec.parse("binary_crossentropy")), keras.losses.BinaryCrossentropy)


def test_losses_that_keras_has_for_other_labels_are_not_offered() -> None:
    with pytest.raises(SpecError) as caught:
        make_loss(Spec.parse("zzz"))

    offered = str(caught.value).partition("Keras has ")[2].split(", ")
    assert {"categorical_crossentropy", "dice", "categorical_focal_crossentropy"} <= {*offered}
    assert not {"ctc", "circle", "categorical_generalized_cross_entropy"} & {*offered}
    for name in offered:
        make_loss(Spec.parse(name))


@pytest.mark.parametrize(
    "text", ["ctc", "circle", "categorical_generalized_cross_entropy(q=0.5)", "dice(axis=5)"]
)
def test_loss_that_takes_other_labels_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match=r"; categorical_crossentropy does$") as caught:
        make_loss(Spec.parse(text))

    assert "\n" not in str(caught.value)


def test_sparse_categorical_crossentropy_is_that_of_keras_on_whole_numbers() -> None:
    values = np.random.default_rng(0).random((6, 3)).astype(np.float32)
    probabilities = values / values.sum(axis=1, keepdims=True)
    labels = np.array([0, 2, 1, 1, 0, 2])
    loss = make_loss(Spec.parse("sparse_categorical_crossentropy"))

    found = loss(np.eye(3, dtype=np.float32)[labels], probabilities)
    expected = keras.losses.SparseCategoricalCrossentropy()(labels, probabilities)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crossentropy", 'unknown loss "crossentropy"'),
        ("CategoricalCrossentropy", 'did you mean "categorical_crossentropy"'),
        (
            "categorical_crossentropy(label_smoothing=1.5)",
            "label_smoothing: expected a number from 0 to 1, received 1.5 at column 26",
        ),
        ("sparse_categorical_crossentropy(ignore_class=1)", 'no option "ignore_class"'),
        ("mean_squared_error(alpha=1)", 'no option "alpha"'),
    ],
)
def test_loss_that_does_not_fit_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_loss(Spec.parse(text))


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize(
    "loss", ["binary_crossentropy", "categorical_crossentropy", "binary_focal_crossentropy"]
)
def test_losses_and_gradients_are_those_of_the_probabilities(activation: str, loss: str) -> None:
    """Keras may take the logits behind an activation, and apply another one to them."""
    rng = np.random.default_rng(0)
    values, kernel = rng.normal(size=(5, 3)), rng.normal(size=(3, 2))
    labels = np.eye(2)[[0, 1, 1, 0, 1]]
    inputs = keras.Input((3,))
    outputs = keras.layers.Dense(2, activation, use_bias=False)(inputs)
    model = keras.Model(inputs, outputs)
    model.set_weights([kernel])
    stage = StageConfig(loss=Spec.parse(loss), optimizer=Spec.parse("sgd(learning_rate=1.0)"))
    compile_stage(model, stage, CONSTANT, 1)

    def by_hand(weights: np.ndarray) -> float:
        logits = values @ weights
        if activation == "softmax":
            p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        else:
            p = 1 / (1 + np.exp(-logits))
        if loss == "categorical_crossentropy":
            p = p / p.sum(axis=1, keepdims=True)
            return float(-(labels * np.log(p)).sum(axis=1).mean())
        right = labels * p + (1 - labels) * (1 - p)
        focus = (1 - right) ** 2 if loss == "binary_focal_crossentropy" else 1
        return float((-focus * np.log(right)).mean())

    measured = model.train_on_batch(values, labels)[0]
    assert measured == pytest.approx(by_hand(kernel), rel=1e-5)
    moved = kernel - model.get_weights()[0]
    for place in np.ndindex(kernel.shape):
        step = np.zeros_like(kernel)
        step[place] = 1e-5
        slope = (by_hand(kernel + step) - by_hand(kernel - step)) / 2e-5
        assert moved[place] == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_losses_and_gradients_are_the_same_on_the_other_back_end() -> None:
    other = {"tensorflow": "jax", "jax": "tensorflow"}[keras.backend.backend()]
    test = f"{__file__}::test_losses_and_gradients_are_those_of_the_probabilities"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:xdist", test],
        env={**os.environ, "KERAS_BACKEND": other},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "6 passed" in done.stdout, done.stdout


def test_a_training_leaves_no_graph_behind() -> None:
    """What TensorFlow registers as a gradient stays as long as the process, graph and all."""
    registry_of_tensorflow = pytest.importorskip("tensorflow.python.framework.ops")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    compile_stage(model, StageConfig(), CONSTANT, 1)
    before = set(registry_of_tensorflow.gradient_registry.list())
    model.fit(np.zeros((2, 2)), np.eye(2), verbose=0)
    assert set(registry_of_tensorflow.gradient_registry.list()) == before
