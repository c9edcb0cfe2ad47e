"""Estimators in files: the same after reading, and nothing is executed."""

import json
import pickle
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import FunctionTransformer, make_pipeline

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv_plugins.trainers.features import estimators


@pytest.fixture(scope="module")
def samples():
    labels = np.arange(90) % 3
    values = np.random.default_rng(0).normal(size=(90, 8)).astype(np.float32)
    values[np.arange(90), labels] += 3
    return values, labels


@pytest.mark.parametrize("spec", ["linear_svm(C=1)", "random_forest(trees=10)"])
def test_an_estimator_says_the_same_after_reading(spec, samples, tmp_path):
    fitted = registry.create("classifier", spec).estimator().fit(*samples)
    estimators.save(tmp_path / "c.skops", fitted)
    read = estimators.load(tmp_path / "c.skops", 8, 3)
    np.testing.assert_array_equal(read.predict_proba(samples[0]), fitted.predict_proba(samples[0]))


@pytest.fixture
def kept(samples, tmp_path):
    path = tmp_path / "c.skops"
    fitted = registry.create("classifier", "random_forest(trees=3)").estimator().fit(*samples)
    estimators.save(path, fitted)
    return path


def test_one_of_another_run_is_refused(kept):
    with pytest.raises(DlcvError, match=r"takes 8 features and knows 3 classes, and the run's.* 9"):
        estimators.load(kept, 9, 3)


def test_every_cut_is_one_error(kept):
    content = kept.read_bytes()
    for end in (0, 1, len(content) // 3, len(content) // 2, len(content) - 1):
        kept.write_bytes(content[:end])
        with pytest.raises(DlcvError, match=r"c\.skops"):
            estimators.load(kept, 8, 3)


def test_flipped_bytes_are_one_error_or_harmless(kept, samples):
    content = bytearray(kept.read_bytes())
    expected = estimators.load(kept, 8, 3).predict_proba(samples[0])
    for at in np.random.default_rng(0).integers(0, len(content), 60):
        kept.write_bytes(content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :])
        try:
            found = estimators.load(kept, 8, 3).predict_proba(samples[0])
        except DlcvError:
            continue
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("left_child", 10**6), ("right_child", 10**6), ("left_child", 0), ("right_child", -3),
        ("feature", 10**6), ("feature", -7),
    ],
)  # fmt: skip
def test_trees_that_lead_elsewhere_are_refused(field, value, samples, tmp_path):
    """With them scikit-learn reads foreign memory, which ends the process, or never comes back."""
    fitted = registry.create("classifier", "random_forest(trees=3)").estimator().fit(*samples)
    tree = fitted.estimators_[1].tree_
    state = tree.__getstate__()
    state["nodes"][field][0] = value
    tree.__setstate__(state)
    estimators.save(tmp_path / "c.skops", fitted)
    with pytest.raises(DlcvError, match=r"c\.skops is damaged, or no classifier: corrupt tree"):
        estimators.load(tmp_path / "c.skops", 8, 3)


def test_one_whose_members_can_not_predict_is_refused(kept):
    """The file is whole and holds trusted types, but what is in it does not belong together."""
    forest = skops.io.load(kept, trusted=list(estimators.TRUSTED))
    forest.estimators_[0].n_outputs_ = np.arange(5) * 0.5
    skops.io.dump(forest, kept)
    with pytest.raises(DlcvError, match=r"c\.skops is damaged, or no classifier"):
        estimators.load(kept, 8, 3)


def test_a_small_file_of_a_large_estimator_is_refused(samples, tmp_path):
    path = tmp_path / "c.skops"
    estimators.save(
        path, registry.create("classifier", "random_forest(trees=3)").estimator().fit(*samples)
    )
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.npy", bytes(10**7))
    with pytest.raises(DlcvError, match=r"c\.skops is damaged, .*: its content is compressed"):
        estimators.load(path, 8, 3)


def test_a_pickle_is_not_executed(tmp_path):
    class Touch:
        def __reduce__(self):
            return open, (str(tmp_path / "executed"), "w")

    path = tmp_path / "c.skops"
    path.write_bytes(pickle.dumps(Touch()))
    with pytest.raises(DlcvError, match="is damaged, or no classifier"):
        estimators.load(path, 8, 3)
    assert not (tmp_path / "executed").exists()


def test_types_that_a_file_asks_for_are_refused(tmp_path, samples):
    path = tmp_path / "c.skops"
    asking = make_pipeline(FunctionTransformer(np.save), GaussianProcessClassifier())
    skops.io.dump(asking, path)
    with pytest.raises(DlcvError, match=r"holds .*, which dlcv does not read from files"):
        estimators.load(path, 8, 3)
    with pytest.raises(DlcvError, match=r"holds .*, which dlcv does not read from files"):
        estimators.save(tmp_path / "other.skops", asking)
    assert not (tmp_path / "other.skops").exists()


def node(loader, module, name, **rest):
    return {"__loader__": loader, "__module__": module, "__class__": name, **rest}


SYSTEM = node("TypeNode", "posix", "system")
FOREST = ("sklearn.ensemble._forest", "RandomForestClassifier")


@pytest.mark.parametrize(
    "attack",
    [
        # CVE-2025-54412: the type that is asked about is not the function that is called.
        node(
            "OperatorFuncNode", "sklearn.ensemble", "call",
            attrs=node("TupleNode", "builtins", "tuple", content=[
                SYSTEM,
                node("JsonNode", "builtins", "str", is_json=True, content='"touch executed"'),
            ]),
        ),
        # CVE-2025-54413: an attribute of another object than the one that is asked about.
        node("MethodNode", *FOREST, content={"obj": SYSTEM, "func": "__call__"}),
        # CVE-2024-37065: a function in the place of a type.
        SYSTEM,
        node("FunctionNode", "posix", "system", content="system"),
    ],
)  # fmt: skip
def test_published_attacks_on_skops_are_refused(attack, kept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(kept) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(found["schema.json"])
    about = {key: schema[key] for key in schema if key not in ("content", "attrs")}
    found["schema.json"] = json.dumps({**about, **attack}).encode()
    with zipfile.ZipFile(kept, "w") as archive:
        for name, content in found.items():
            archive.writestr(name, content)

    with pytest.raises(DlcvError, match=r"is damaged, or no classifier|does not read from files"):
        estimators.load(kept, 8, 3)
    assert not (tmp_path / "executed").exists()


def test_an_estimator_without_probabilities_is_refused(tmp_path, samples):
    path = tmp_path / "c.skops"
    skops.io.dump(Ridge().fit(*samples), path)
    with pytest.raises(DlcvError, match="is damaged, or no classifier"):
        estimators.load(path, 8, 3)


def test_an_archive_of_something_else_is_refused(tmp_path):
    path = tmp_path / "c.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DlcvError, match="is damaged, or no classifier"):
        estimators.load(path, 8, 3)
    with pytest.raises(DlcvError, match=r"can't read .*No such file"):
        estimators.load(tmp_path / "none.skops", 8, 3)
