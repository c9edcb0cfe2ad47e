"""Runs whose classifier was fitted: they are runs like any other."""

import logging
import os
import shutil

import attrs
import keras
import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression

import dlcv
from dlcv.config import RunConfig
from dlcv.errors import DlcvError
from dlcv_plugins.trainers.features import fitting
from dlcv_plugins.trainers.features.trainer import ESTIMATOR


@pytest.fixture(scope="module")
def linear(features, tmp_path_factory):
    """A run by logistic regression."""
    runs = tmp_path_factory.mktemp("linear")
    return dlcv.fit(features.path, classifier="logistic_regression(C=(0.1, 1))", runs=runs)


@pytest.fixture(scope="module")
def forest(features, tmp_path_factory):
    """A run by a random forest, which is no layer."""
    runs = tmp_path_factory.mktemp("forest")
    return dlcv.fit(features.path, classifier="random_forest(trees=20)", runs=runs)


def files_of(split, flowers):
    return [str(flowers / name) for name in split.sample_ids]


def test_the_network_says_what_scikit_learn_says(linear, features, flowers):
    train, test = features.splits["train"], features.splits["test"]
    best = linear.directory.read_json("metrics")["fit"]["best"]["C"]
    theirs = LogisticRegression(C=best, max_iter=1000).fit(train.values.astype(float), train.labels)
    found = dlcv.load(linear.path).predict_proba(files_of(test, flowers))
    np.testing.assert_allclose(found, theirs.predict_proba(test.values), atol=1e-5)


def test_the_kept_predictions_are_those_of_the_network_in_the_order_of_the_data(linear):
    kept = linear.predictions()
    again = linear.predictions(split="test", preprocessors="simple(size=16)")
    assert kept.sample_ids == again.sample_ids
    assert list(kept.sample_ids) == sorted(kept.sample_ids)
    np.testing.assert_array_equal(kept.labels, again.labels)
    np.testing.assert_allclose(kept.probabilities, again.probabilities, atol=1e-5)


def test_accuracies_for_advice_are_those_on_what_was_fitted_to(linear, forest):
    for run in (linear, forest):
        found = run.directory.read_json("metrics")["accuracies"]["train"]
        predictions = dlcv.load(run.path).predictions(split="train")
        right = predictions.combined.argmax(axis=1) == predictions.labels
        assert found == {"accuracy": pytest.approx(right.mean()), "images": len(right)}


def test_anyone_can_load_the_network(linear, features, flowers):
    import cv2

    network = keras.models.load_model(linear.directory.model)
    images = np.stack(
        [cv2.imread(p)[..., ::-1] for p in files_of(features.splits["test"], flowers)]
    )
    found = network.predict(images, verbose=0)
    np.testing.assert_allclose(found, linear.model.predict(images, verbose=0), atol=1e-6)
    assert network.layers[-1].get_config()["activation"] == "softmax"


def test_a_run_is_repeated_from_its_configuration(linear, tmp_path):
    again = dlcv.run(linear.path / "run.toml", name="again", runs=tmp_path)
    np.testing.assert_allclose(
        again.predictions().probabilities, linear.predictions().probabilities, atol=1e-5
    )
    assert again.config == linear.config
    # What it needed on the way is gone.
    assert sorted(os.listdir(tmp_path)) == ["again", "latest"]


def test_a_run_tells_what_it_was_made_of(linear, features, base_run):
    environment = linear.directory.read_json("environment")
    assert environment["initial_weights"]["sha256"] == features.about["weights_sha256"]
    used = {(p["kind"], p["name"]) for p in environment["plugins"]}
    assert {("classifier", "logistic_regression"), ("architecture", "lenet")} <= used
    assert environment["libraries"]["scikit-learn"] == sklearn.__version__
    found = linear.directory.read_json("metrics")
    assert found["fit"]["features"] == 100
    assert set(found["fit"]["scores"]) == {"C=0.1", "C=1"}
    assert linear.validation_accuracy == found["validation_accuracy"]
    assert linear.config.stages == ()
    assert linear.config.initial_weights == base_run.path


def test_a_forest_predicts_from_images_through_the_body(forest, features, flowers):
    assert (forest.path / ESTIMATOR).is_file()
    loaded = dlcv.load(forest.path)
    test = features.splits["test"]
    found = loaded.predict_proba(files_of(test, flowers))
    from sklearn.ensemble import RandomForestClassifier

    theirs = RandomForestClassifier(20, random_state=42)
    theirs.fit(features.splits["train"].values, features.splits["train"].labels)
    np.testing.assert_allclose(found, theirs.predict_proba(test.values), atol=1e-5)
    again = loaded.predictions(split="test", preprocessors="simple(size=16)").probabilities
    np.testing.assert_allclose(forest.predictions().probabilities, again, atol=1e-5)
    body = keras.models.load_model(forest.directory.model)
    assert body.output_shape == (None, 100)


def test_a_forest_has_no_network_to_look_into(forest):
    with pytest.raises(DlcvError, match="by random_forest, which is no layer of a network"):
        _ = dlcv.load(forest.path).model


def test_a_forest_that_is_missing_is_told(forest, features, flowers, tmp_path):
    copied = shutil.copytree(forest.path, tmp_path / "run")
    (copied / ESTIMATOR).unlink()
    with pytest.raises(DlcvError, match=rf"{ESTIMATOR} is missing, by which this run predicts"):
        dlcv.load(copied).predict(files_of(features.splits["test"], flowers))


def test_another_version_of_scikit_learn_is_told(forest, tmp_path, caplog):
    copied = shutil.copytree(forest.path, tmp_path / "run")
    path = copied / "environment.json"
    path.write_text(path.read_text().replace(f'"{sklearn.__version__}"', '"1.0"'))
    run = dlcv.load(copied)
    with caplog.at_level(logging.WARNING):
        _ = run.network
    assert f"was made with scikit-learn 1.0, and here is {sklearn.__version__}" in caplog.text


def test_fitted_runs_are_members_of_an_ensemble(linear, forest):
    together = dlcv.load(linear.path, forest.path)
    mean = (linear.predictions().combined + forest.predictions().combined) / 2
    np.testing.assert_allclose(together.predictions().combined, mean, atol=1e-6)
    weighted = dlcv.load(linear.path, forest.path, method="weighted")
    assert weighted.predictions().validation_accuracies == (
        linear.validation_accuracy,
        forest.validation_accuracy,
    )


def test_a_kill_while_the_features_are_removed_is_no_dead_end(
    base_run, flowers, tmp_path, monkeypatch
):
    remove = shutil.rmtree

    def killed(path, **options):
        if not os.path.basename(path).startswith(".features-"):
            return remove(path, **options)
        os.unlink(os.path.join(path, "train.hdf5"))
        raise KeyboardInterrupt

    settings = {"data": flowers, "runs": tmp_path, "name": "r", "threads": 1}
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            dlcv.transfer(base_run.path, **settings)
    (left,) = tmp_path.glob(".features-*")
    assert not (left / "train.hdf5").exists()
    dlcv.transfer(base_run.path, **settings, force=True)
    assert not left.exists()


def test_crops_are_averaged_after_the_estimator(forest, features, flowers):
    one = files_of(features.splits["test"], flowers)[:1]
    run = dlcv.load(forest.path)
    views = run.predict_proba(one, preprocessors="simple(size=20), crop(size=16)")
    np.testing.assert_allclose(views.sum(), 1, atol=1e-5)
    assert not np.array_equal(views, run.predict_proba(one))


def test_two_classes_become_a_layer_of_two_units(base_run, flowers, made_with, tmp_path):
    few = tmp_path / "two"
    for name in ("iris", "rose"):
        shutil.copytree(flowers / name, few / name)
    run = dlcv.transfer(
        base_run.path, layer="dense1_relu", classifier="logistic_regression(C=1)",
        runs=tmp_path / "runs", **{**made_with, "data": str(few)},
    )  # fmt: skip
    again = run.predictions(split="test", preprocessors="simple(size=16)").probabilities
    np.testing.assert_allclose(run.predictions().probabilities, again, atol=1e-5)
    assert run.model.output_shape == (None, 2)


def test_the_weights_of_a_fitted_run_can_be_begun_with(linear, flowers, tmp_path):
    trained = dlcv.run(
        data=str(flowers), architecture=str(linear.config.architecture), epochs=1, threads=1,
        initial_weights=linear.path, batch_size=8, learning_rate=1e-9, runs=tmp_path, name="more",
    )  # fmt: skip
    np.testing.assert_allclose(
        trained.predictions().probabilities, linear.predictions().probabilities, atol=1e-4
    )


def test_features_that_do_not_fit_are_taken_in_parts(features, linear, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "free_memory", lambda: 1000.0)
    run = dlcv.fit(features, classifier="logistic_regression(C=(0.1, 1))", runs=tmp_path)
    assert not run.directory.read_json("metrics")["fit"]["in_memory"]
    np.testing.assert_allclose(
        run.predictions().probabilities, linear.predictions().probabilities, atol=1e-5
    )
    with pytest.raises(DlcvError, match="RandomForest needs all features in memory"):
        dlcv.fit(features, classifier="random_forest", runs=tmp_path)


def test_a_class_with_too_few_images_is_named(features):
    train = features.splits["train"]
    kept = np.r_[np.flatnonzero(train.labels != 2), np.flatnonzero(train.labels == 2)[:1]]
    few = attrs.evolve(train, values=train.values[kept], labels=train.labels[kept])
    classifier = dlcv.registry.create("classifier", "logistic_regression")
    with pytest.raises(DlcvError, match=r'needs 3 training images of each class .*"rose" has 1;'):
        fitting.fit_classifier(classifier, few, 1)
    one = dlcv.registry.create("classifier", "logistic_regression(C=1)")
    assert fitting.fit_classifier(one, few, 1).best == {}


def test_a_fit_that_did_not_converge_is_told(features, caplog):
    classifier = dlcv.registry.create("classifier", "logistic_regression(C=1, max_iter=2)")
    with caplog.at_level(logging.WARNING):
        fitting.fit_classifier(classifier, features.splits["train"], 1)
    assert "stopped at max_iter = 2 before it converged" in caplog.text


def test_a_body_of_other_weights_is_refused(features, base_run, tmp_path):
    copied = shutil.copytree(features.path, tmp_path / "features")
    about = copied / "features.toml"
    about.write_text(about.read_text().replace(features.about["weights_sha256"], "0" * 64))
    with pytest.raises(DlcvError, match=r"holds other weights .* it is of another network"):
        dlcv.fit(copied, classifier="logistic_regression(C=1)", runs=tmp_path / "runs", name="r")
    assert os.listdir(tmp_path / "runs") == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("labels.json", "can't read"),
        ("preprocessing.npz", "can't read"),
        ("checkpoints/epoch_0000_step_000000000_stage_0.checkpoint", "holds no"),
    ],
)
def test_what_is_missing_is_told_before_hours_of_fitting(
    name, message, features, tmp_path, monkeypatch
):
    folder = shutil.copytree(features.path, tmp_path / "features")
    (folder / name).unlink()
    monkeypatch.setattr("dlcv_plugins.trainers.features.transfer.fit_classifier", None)
    with pytest.raises(DlcvError, match=message):
        dlcv.fit(folder, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())


def test_a_run_is_not_replaced_without_force(linear, features):
    runs, name = linear.path.parent, linear.path.name
    before = linear.directory.model.read_bytes()
    with pytest.raises(DlcvError, match="exists already"):
        dlcv.fit(features, runs=runs, name=name)
    with pytest.raises(DlcvError, match='did you mean "linear_svm"'):
        dlcv.fit(features, runs=runs, name=name, force=True, classifier="linear_svn")
    assert linear.directory.model.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 3}, "fit takes evaluators and threads, not epochs"),
        ({"data": "digits"}, "what decides the features was decided when they were extracted"),
        ({"evaluators": "rnk"}, 'unknown evaluator "rnk"'),
    ],
)
def test_what_fit_can_not_change_is_refused(options, message, features, tmp_path):
    with pytest.raises(DlcvError, match=message):
        dlcv.fit(features, runs=tmp_path, **options)


def test_a_run_that_was_fitted_has_nothing_to_resume(linear):
    with pytest.raises(DlcvError, match="has a fitted classifier, which no epochs train further"):
        dlcv.resume(linear.path, epochs=2)
    assert dlcv.resume(linear.path).metrics == linear.metrics


def test_a_classifier_and_stages_exclude_each_other():
    with pytest.raises(DlcvError, match="fitted without stages of training"):
        RunConfig.from_table(
            {"classifier": "logistic_regression", "stages": [{"epochs": 2}]}, "run.toml"
        )
    config = RunConfig.from_table({"classifier": "logistic_regression"}, "run.toml")
    assert config.stages == ()
    with pytest.raises(DlcvError, match="epochs belongs to a stage of training, and this run has"):
        config.with_options(epochs=3)


def test_a_network_with_layers_of_its_own_before_the_last_is_refused(flowers, tmp_path):
    with pytest.raises(DlcvError, match=r"own classifier has dense1.*put linear_head on the body"):
        dlcv.run(
            RunConfig(classifier="logistic_regression"), architecture="lenet", data=str(flowers),
            runs=tmp_path, threads=1,
        )  # fmt: skip


def test_a_rate_is_not_searched_for_what_has_none():
    with pytest.raises(DlcvError, match="fits a classifier, which has no learning rate"):
        dlcv.search_learning_rate("flowers17-vgg16-features", data="digits")
