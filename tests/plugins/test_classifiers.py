"""Classifiers against scikit-learn itself."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv_plugins.classifiers import out_of_core


@pytest.fixture(scope="module")
def digits():
    features, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))[:600]
    return (features[order] / 16).astype(np.float32), labels[order].astype(np.int64)


def create(spec):
    return registry.create("classifier", spec)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("strength", [0.1, 10])
def test_features_in_parts_give_the_coefficients_of_scikit_learn(
    digits, classes, strength, monkeypatch
):
    # Parts of 7 rows, so that the last is smaller.
    monkeypatch.setattr(out_of_core, "BATCH_BYTES", 7 * 64 * 8)
    chosen = digits[1] < classes
    features, labels = digits[0][chosen], digits[1][chosen]
    ours = create(f"logistic_regression(C={strength}, tolerance=1e-8)").fit_in_parts(
        features, labels
    )
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=5000)
    theirs.fit(features.astype(np.float64), labels)
    assert ours.coef_.shape == theirs.coef_.shape
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-4)
    np.testing.assert_allclose(
        ours.predict_proba(features), theirs.predict_proba(features), atol=1e-5
    )


def test_the_search_in_parts_finds_what_a_grid_search_finds(digits):
    features, labels = digits
    classifier = create("logistic_regression(C=(0.001, 0.1, 10))")
    ours, theirs = classifier.fit_in_parts(features, labels), classifier.estimator()
    assert isinstance(theirs, GridSearchCV)
    theirs.fit(features, labels)
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], atol=0.005
    )
    agree = ours.best_estimator_.predict(features) == theirs.predict(features)
    assert agree.mean() > 0.99


def test_a_single_strength_is_not_searched(digits):
    fitted = create("logistic_regression(C=0.5)").estimator()
    assert isinstance(fitted, LogisticRegression)
    assert fitted.C == 0.5
    assert create("logistic_regression(C=0.5)").least_samples == 1
    assert create("logistic_regression").least_samples == 3


def test_a_linear_svm_is_calibrated_and_tells_its_best_strength(digits):
    features, labels = digits
    fitted = create("linear_svm(C=(0.01, 1))").estimator().fit(features[:300], labels[:300])
    assert fitted.best_params_["estimator__C"] in (0.01, 1)
    probabilities = fitted.predict_proba(features[300:])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == labels[300:]).mean() > 0.85
    # Calibrated means that what is said with 90 % is right about that often.
    sure = probabilities.max(axis=1)
    assert abs(sure.mean() - (probabilities.argmax(axis=1) == labels[300:]).mean()) < 0.15


@pytest.mark.parametrize("spec", ["linear_svm(C=(0.1, 1))", "linear_svm(C=1)"])
def test_a_linear_svm_needs_no_more_images_than_it_says(digits, spec):
    classifier = create(spec)
    features, labels = digits
    chosen = np.concatenate(
        [np.flatnonzero(labels == c)[: classifier.least_samples] for c in (0, 1)]
    )
    classifier.estimator().fit(features[chosen], labels[chosen])
    with pytest.raises(ValueError, match=r"less than|number of members"):
        classifier.estimator().fit(features[chosen[1:]], labels[chosen[1:]])


def test_only_logistic_regression_learns_in_parts(digits):
    for spec in ("linear_svm", "random_forest"):
        assert create(spec).fit_in_parts(*digits) is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("logistic_regression(C=())", r"C: expected at least one number, received \(\)"),
        ("linear_svm(C=())", r"C: expected at least one number, received \(\)"),
        ("logistic_regression(C=0)", "expected .* > 0, received 0"),
        ("logistic_regression(c=1)", 'no option "c" .* its options are C, folds'),
        ("random_forest(trees=0)", "expected int >= 1, received 0"),
        ("logistic_regresion", 'did you mean "logistic_regression"'),
    ],
)
def test_a_wrong_classifier_is_refused(spec, message):
    with pytest.raises(DlcvError, match=message):
        create(spec)
