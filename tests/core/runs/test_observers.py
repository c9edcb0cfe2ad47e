"""Hooks and trackers: before the first step a failure ends a run, later it costs nothing."""

import contextlib
import logging

import attrs
import keras
import pytest

import dlcv
from dlcv.errors import DlcvError
from dlcv.interfaces import Tracker, option, plugin
from dlcv.registry import registry

OPTIONS = {
    "data": "digits(size=8)", "architecture": "mlp(units=4)", "epochs": 2, "fraction": 0.2,
    "threads": 1,
}  # fmt: skip


@contextlib.contextmanager
def hooks(**functions):
    """Registers functions as hooks for a block."""
    plugin = type("Torn", (), {n: staticmethod(dlcv.hook(f)) for n, f in functions.items()})()
    registry.hooks()
    registry._manager.register(plugin, "hooks:torn@acme")
    try:
        yield
    finally:
        registry._manager.unregister(plugin)


def fail(*arguments, **options):
    raise OSError("the tracker's server does not answer")


def fails(run):
    raise OSError("the tracker's server does not answer")


def fails_at_the_end(run, result):
    raise OSError("the tracker's server does not answer")


@pytest.fixture(autouse=True)
def messages(caplog):
    """The log, though a command may have told it to stay out of pytest's."""
    logger = logging.getLogger("dlcv")
    before, logger.propagate = logger.propagate, True
    yield caplog
    logger.propagate = before


@pytest.mark.parametrize("name", ["dlcv_run_started", "dlcv_callbacks"])
def test_hook_that_fails_before_the_training_ends_the_run(tmp_path, name):
    with hooks(**{name: fails}), pytest.raises(DlcvError) as caught:
        dlcv.run(runs=tmp_path, name="run", **OPTIONS)
    assert str(caught.value) == (
        f"{name} of hooks:torn@acme failed: OSError: the tracker's server does not answer; "
        "DLCV_DISABLE=torn switches it off"
    )
    assert not (tmp_path / "run").exists()


def test_hook_changes_a_stage_and_sees_its_end(tmp_path):
    told = []

    @contextlib.contextmanager
    def counting(stage):
        callback = keras.callbacks.Callback()
        callback.on_epoch_end = lambda epoch, logs=None: told.append((stage.epochs_done, epoch))
        yield attrs.evolve(stage, callbacks=(*stage.callbacks, callback))
        told.append("the end")

    with hooks(dlcv_stage=counting):
        dlcv.run(runs=tmp_path, name="run", **OPTIONS)
    assert told == [(1, 0), (2, 1), "the end"]


def test_hook_that_fails_before_a_stage_ends_the_run(tmp_path):
    def failing(stage):
        raise OSError("no GPU")

    with hooks(dlcv_stage=failing), pytest.raises(DlcvError, match="dlcv_stage of hooks:torn@acme"):
        dlcv.run(runs=tmp_path, name="run", **OPTIONS)


@pytest.mark.parametrize("method", ["on_train_begin", "on_train_batch_end", "on_epoch_end"])
def test_callback_that_fails_is_left_out_and_the_training_goes_on(tmp_path, messages, method):
    calls = []
    broken, counting = keras.callbacks.Callback(), keras.callbacks.Callback()
    setattr(broken, method, fail)
    counting.on_epoch_end = lambda epoch, logs=None: calls.append((epoch, logs["loss"]))
    with hooks(dlcv_callbacks=lambda run: [broken, counting]):
        run = dlcv.run(runs=tmp_path, name="run", **OPTIONS)
    assert run.finished
    assert calls == [(i, pytest.approx(row["loss"])) for i, row in enumerate(run.history)]
    warnings = [r.message for r in messages.records if "torn" in r.message]
    assert warnings == [
        "dlcv_callbacks of hooks:torn@acme failed (OSError: the tracker's server does not answer) "
        "and is left out from now on; the run itself is not affected"
    ]


def test_callback_may_end_a_training_on_purpose(tmp_path):
    def end(epoch, logs=None):
        raise DlcvError("budget spent")

    callback = keras.callbacks.Callback()
    callback.on_epoch_end = end
    with hooks(dlcv_callbacks=lambda run: [callback]), pytest.raises(DlcvError, match="budget"):
        dlcv.run(runs=tmp_path, name="run", **OPTIONS)


def test_hook_that_fails_at_the_end_loses_nothing(tmp_path, messages):
    told = []
    with (
        hooks(dlcv_run_finished=fails_at_the_end),
        registered_too(lambda run, result: told.append(result)),
    ):
        run = dlcv.run(runs=tmp_path, name="run", **OPTIONS)
    assert run.finished
    assert told == [run.metrics]
    assert "dlcv_run_finished of hooks:torn@acme failed (OSError" in messages.text


@contextlib.contextmanager
def registered_too(function):
    plugin = type("Whole", (), {"dlcv_run_finished": staticmethod(dlcv.hook(function))})()
    registry._manager.register(plugin, "hooks:whole@acme")
    try:
        yield
    finally:
        registry._manager.unregister(plugin)


def test_hook_that_returns_one_callback_instead_of_a_list_is_named(tmp_path):
    with (
        hooks(dlcv_callbacks=lambda run: keras.callbacks.Callback()),
        pytest.raises(DlcvError, match=r"dlcv_callbacks of hooks:torn@acme must return a list of"),
    ):
        dlcv.run(runs=tmp_path, name="run", **OPTIONS)


def test_a_run_records_the_hooks_that_it_ran_with(tmp_path):
    run = dlcv.run(runs=tmp_path, name="run", **OPTIONS)
    recorded = {used["name"] for used in run.plugin_versions if used["kind"] == "hook"}
    assert recorded == {d.name for d in registry.descriptors("hook")}


EVENTS = []


@plugin
class Noting(Tracker):
    """Notes each call, and fails in one of them."""

    fails_in: str = option("", help="the call that fails")

    def require(self):
        self._note("require", None)

    def started(self, run):
        self._note("started", run)

    def epoch(self, run, row):
        assert run.history[-1] == row
        self._note("epoch", run, row["epoch"])

    def finished(self, run):
        self._note("finished", run, *run.metrics)

    def stopped(self, run):
        self._note("stopped", run)

    def _note(self, call, run, *what):
        if call != "require":
            EVENTS.append((run.path.name, call, *what))
        if call == self.fails_in:
            raise OSError("no server")


@pytest.fixture
def noting():
    EVENTS.clear()
    with registry.register("tracker", "noting", Noting):
        yield EVENTS


def test_tracker_follows_a_run(tmp_path, noting):
    run = dlcv.run(runs=tmp_path, name="run", trackers="noting", **OPTIONS)
    assert noting == [
        ("run", "started"), ("run", "epoch", 1), ("run", "epoch", 2),
        ("run", "finished", *run.metrics),
    ]  # fmt: skip
    assert str(run.config.trackers) == "noting(fails_in='')".replace("'", '"')


def test_tracker_follows_each_member_and_all_together(tmp_path, noting):
    options = {**OPTIONS, "epochs": 1, "members": 2}
    dlcv.run(runs=tmp_path, name="run", trackers="noting", **options)
    assert [(event[0], event[1]) for event in noting] == [
        ("1", "started"), ("1", "epoch"), ("1", "finished"),
        ("2", "started"), ("2", "epoch"), ("2", "finished"), ("run", "finished"),
    ]  # fmt: skip


def test_tracker_follows_a_fitted_classifier(tmp_path, noting):
    options = {k: v for k, v in OPTIONS.items() if k != "epochs"}
    dlcv.run(
        runs=tmp_path, name="run", trackers="noting", classifier="logistic_regression", **options
    )
    assert [event[1] for event in noting] == ["started", "finished"]


@pytest.mark.parametrize("call", ["require", "started"])
def test_tracker_that_fails_at_the_start_ends_the_run(tmp_path, noting, call):
    with pytest.raises(DlcvError, match="tracker noting failed: OSError: no server"):
        dlcv.run(runs=tmp_path, name="run", trackers=f"noting(fails_in={call})", **OPTIONS)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("call", "calls"), [("epoch", 1), ("finished", 2)])
def test_tracker_that_fails_later_is_left_out(tmp_path, noting, messages, call, calls):
    trackers = f"noting(fails_in={call})"
    run = dlcv.run(runs=tmp_path, name="run", trackers=trackers, **OPTIONS)
    assert run.finished
    assert [event[1] for event in noting].count("epoch") == calls
    assert messages.text.count("tracker noting failed (OSError: no server) and is left out") == 1


def test_tracker_is_stopped_where_the_training_fails(tmp_path, noting):
    def end(epoch, logs=None):
        raise DlcvError("budget spent")

    callback = keras.callbacks.Callback()
    callback.on_epoch_end = end
    with hooks(dlcv_callbacks=lambda run: [callback]), pytest.raises(DlcvError, match="budget"):
        dlcv.run(runs=tmp_path, name="run", trackers="noting", **OPTIONS)
    assert [event[1] for event in noting] == ["started", "stopped"]
