"""The curves for TensorBoard are those of the history."""

import importlib.util

import pytest

import dlcv
from dlcv.config import RunConfig
from dlcv.errors import DlcvError

OPTIONS = {
    "data": "digits(size=8)", "architecture": "mlp(units=4)", "fraction": 0.2, "threads": 1,
    "tensorboard": True,
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
    (tmp_path / "two.toml").write_text(stage + stage)
    run = dlcv.run(tmp_path / "two.toml", runs=tmp_path, name="run", **OPTIONS)
    for folder, prefix in (("train", ""), ("validation", "val_")):
        steps, values = curve(run.path / "tensorboard" / folder, "epoch_loss")
        assert steps == [0, 1, 2, 3]
        assert values == pytest.approx([row[f"{prefix}loss"] for row in run.history], rel=1e-5)
    assert dlcv.load(run.path).config.tensorboard


def test_missing_package_is_named_before_a_run_is_replaced(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "tensorboard" else find(name)
    )
    with pytest.raises(DlcvError, match="`pip install tensorboard`, or train without"):
        dlcv.run(runs=tmp_path, name="run", **OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_unless_it_is_asked_for(tmp_path):
    assert not RunConfig().tensorboard
    run = dlcv.run(runs=tmp_path, name="run", **{**OPTIONS, "tensorboard": False, "epochs": 1})
    assert not (run.path / "tensorboard").exists()
