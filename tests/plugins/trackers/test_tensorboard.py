"""The curves for TensorBoard are those of the history."""

import importlib.util

import pytest

import dlcv
from dlcv.config import RunConfig
from dlcv.errors import DlcvError

OPTIONS = {
    "data": "digits(size=8)", "architecture": "mlp(units=4)", "fraction": 0.2, "threads": 1,
}  # fmt: skip


def curve(folder, tag):
    """Returns the steps and values of a curve, as TensorBoard itself reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(folder))
    events.Reload()
    found = [(e.step, float(make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)]
    return [step for step, _ in found], [value for _, value in found]


def test_curves_are_the_history_s_over_all_stages(tmp_path):
    pytest.importorskip("tensorboard")
    stage = '[[stages]]\nepochs = 2\noptimizer = "sgd(learning_rate=0.1)"\n'
    (tmp_path / "two.toml").write_text("tensorboard = true\n" + stage + stage)
    run = dlcv.run(tmp_path / "two.toml", runs=tmp_path, name="run", **OPTIONS)
    for folder, prefix in (("train", ""), ("validation", "val_")):
        steps, values = curve(run.path / "tensorboard" / folder, "epoch_loss")
        assert steps == [0, 1, 2, 3]
        assert values == pytest.approx([row[f"{prefix}loss"] for row in run.history], rel=1e-5)
    steps, values = curve(run.path / "tensorboard" / "train", "epoch_learning_rate")
    assert values == pytest.approx([row["learning_rate"] for row in run.history], rel=1e-5)
    assert str(dlcv.load(run.path).config.trackers) == "tensorboard"
    assert 'trackers = "tensorboard"' in (run.path / "run.toml").read_text()


def test_missing_package_is_named_before_a_run_is_replaced(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "tensorboard" else find(name)
    )
    with pytest.raises(DlcvError, match="`pip install tensorboard`, or train without"):
        dlcv.run(runs=tmp_path, name="run", tensorboard=True, **OPTIONS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, ""),
        ({"tensorboard": False}, ""),
        ({"tensorboard": True}, "tensorboard"),
        ({"tensorboard": True, "trackers": "tensorboard"}, "tensorboard"),
        ({"tensorboard": False, "trackers": "tensorboard, acme"}, "acme"),
        ({"tensorboard": True, "trackers": "acme"}, "acme, tensorboard"),
    ],
)
def test_old_key_stands_for_the_tracker(table, expected):
    assert str(RunConfig.from_table(table, "run.toml").trackers) == expected
    assert str(RunConfig().with_options(**table).trackers) == expected


def test_old_key_takes_true_or_false_alone():
    with pytest.raises(DlcvError, match=r"run.toml: tensorboard: expected true or false"):
        RunConfig.from_table({"tensorboard": "yes"}, "run.toml")
