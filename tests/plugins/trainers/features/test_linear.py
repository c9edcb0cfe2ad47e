"""Linear classifiers as layers."""

import keras
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from dlcv_plugins.trainers.features.linear import as_layer


def samples(classes, features=40, count=120):
    rng = np.random.default_rng(1)
    labels = np.arange(count) % classes
    values = rng.normal(size=(count, features)).astype(np.float32)
    values[np.arange(count), labels] += 2
    return values, labels


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("strength", [0.01, 1000])
def test_a_dense_layer_of_keras_says_what_logistic_regression_says(classes, strength):
    values, labels = samples(classes)
    fitted = LogisticRegression(C=strength, max_iter=1000).fit(values, labels)
    weights = as_layer(fitted, values)
    layer = keras.layers.Dense(classes, activation="softmax")
    layer.build(values.shape)
    layer.set_weights(weights)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(layer(values)), fitted.predict_proba(values), atol=1e-5
    )


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(5, random_state=0),
        CalibratedClassifierCV(LinearSVC(random_state=0), cv=3, ensemble=False),
        OneVsRestClassifier(LogisticRegression()),
    ],
)
def test_what_is_no_softmax_of_something_linear_is_no_layer(estimator):
    values, labels = samples(3)
    assert as_layer(estimator.fit(values, labels), values) is None


def test_coefficients_whose_probabilities_are_others_are_no_layer():
    class Flattened(LogisticRegression):
        def predict_proba(self, values):
            return super().predict_proba(values) ** 0.5

    values, labels = samples(3)
    assert as_layer(Flattened().fit(values, labels), values) is None
