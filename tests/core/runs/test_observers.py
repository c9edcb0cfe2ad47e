"""Hooks and trackers: before the first step a failure ends a run, later it costs nothing."""

import contextlib
import logging
from types import SimpleNamespace

import attrs
import keras
import pytest

import dlcv
from dlcv.config import RunConfig
from dlcv.errors import DlcvError, PluginError
from dlcv.interfaces import Tracker, option, plugin
from dlcv.registry import registry
from dlcv.runs.observers import Observers

OPTIONS = {
    "data": "digits(size=8)", "architecture": "mlp(units=4)", "epochs": 2, "fraction": 0.2,
    "threads": 1,
}  # fmt: skip


@contextlib.contextmanager
def hooks(name="torn", **functions):
    """Registers functions as hooks of a plugin for a block."""
    plugin = type("Hooks", (), {n: staticmethod(dlcv.hook(f)) for n, f in functions.items()})()
    registry.hooks()
    registry._manager.register(plugin, f"hooks:{name}@acme")
    try:
        yield
    finally:
        registry._manager.unregister(plugin)


@contextlib.contextmanager
def wrapping(name, **functions):
    """Registers functions as wrappers of hooks for a block."""
    marked = {n: staticmethod(dlcv.hook(wrapper=True)(f)) for n, f in functions.items()}
    plugin = type("Hooks", (), marked)()
    registry.hook_manager().register(plugin, f"hooks:{name}@acme")
    try:
        yield
    finally:
        registry.hook_manager().unregister(plugin)


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


def test_hook_that_fails_before_a_stage_ends_the_run(tmp_path):
    def failing(stage):
        raise OSError("no GPU")

    with hooks(dlcv_stage=failing), pytest.raises(DlcvError, match="dlcv_stage of hooks:torn@acme"):
        dlcv.run(runs=tmp_path, name="run", **OPTIONS)


def test_callbacks_that_fail_are_left_out_and_the_training_goes_on(tmp_path, messages):
    calls = []
    methods = ("on_train_begin", "on_train_batch_end", "on_epoch_end")
    *broken, counting = (keras.callbacks.Callback() for _ in range(len(methods) + 1))
    for callback, method in zip(broken, methods, strict=True):
        setattr(callback, method, fail)
    counting.on_epoch_end = lambda epoch, logs=None: calls.append((epoch, logs["loss"]))
    with hooks(dlcv_callbacks=lambda run: [*broken, counting]):
        run = dlcv.run(runs=tmp_path, name="run", **OPTIONS)
    assert run.finished
    assert calls == [(i, pytest.approx(row["loss"])) for i, row in enumerate(run.history)]
    warnings = [r.message for r in messages.records if "torn" in r.message]
    assert warnings == [
        "dlcv_callbacks of hooks:torn@acme failed (OSError: the tracker's server does not answer) "
        "and is left out from now on; the run itself is not affected"
    ] * len(methods)


def test_hook_that_returns_one_callback_instead_of_a_list_is_named(tmp_path):
    with (
        hooks(dlcv_callbacks=lambda run: keras.callbacks.Callback()),
        pytest.raises(DlcvError, match=r"dlcv_callbacks of hooks:torn@acme must return a list of"),
    ):
        dlcv.run(runs=tmp_path, name="run", **OPTIONS)


POINTS = ("dlcv_opened", "dlcv_batch", "dlcv_epoch", "dlcv_predicted", "dlcv_reported")


def test_hooks_are_called_at_each_point_of_a_run(tmp_path, with_pictures):
    seen = []

    def reseeded(config):
        return attrs.evolve(config, seed=11)

    hooked = {
        "dlcv_opened": lambda dataset: seen.append(("opened", sorted(dataset.splits))),
        "dlcv_batch": lambda stage, images, labels: seen.append((stage.index, len(images))),
        "dlcv_epoch": lambda run, row: seen.append((run.path.name, row["epoch"])),
        "dlcv_predicted": lambda predictions: seen.append(predictions.probabilities.shape),
        "dlcv_reported": lambda run, path: seen.append(path.name),
    }
    with hooks("second", dlcv_configured=reseeded), hooks("first", **hooked):
        run = dlcv.run(runs=tmp_path, name="run", **{**OPTIONS, "batch_size": 128})
    assert run.config.seed == 11
    batches, test = [(0, 128), (0, 124)], 70
    # Keras reads batches ahead of the one that it trains on.
    assert [each for each in seen if each in batches] == batches * 2
    assert [each for each in seen if each not in batches] == [
        ("opened", ["test", "train", "val"]), ("run", 1), ("run", 2), (1, test, 10), "report.html",
    ]  # fmt: skip


def test_configurations_go_from_hook_to_hook_and_may_be_refused(tmp_path):
    def longer(config):
        return attrs.evolve(config, seed=config.seed * 10)

    def refuse(config):
        raise DlcvError(f"the seed {config.seed} is taken")

    with (
        hooks("third", dlcv_configured=refuse),
        hooks("second", dlcv_configured=longer),
        hooks("first", dlcv_configured=lambda: None),
        pytest.raises(DlcvError, match="the seed 420 is taken"),
    ):
        dlcv.run(runs=tmp_path, name="run", **OPTIONS)
    with (
        hooks(dlcv_configured=lambda config: "digits"),
        pytest.raises(PluginError, match="hooks:torn@acme must return a RunConfig or None, and re"),
    ):
        dlcv.run(runs=tmp_path, name="run", **OPTIONS)
    assert not (tmp_path / "run").exists()


def test_hooks_that_only_want_to_know_cost_one_warning_each(tmp_path, messages, with_pictures):
    called = []
    counting = {name: lambda name=name: called.append(name) for name in POINTS[1:]}
    with hooks(**dict.fromkeys(POINTS[1:], lambda: fail())), hooks("whole", **counting):
        run = dlcv.run(runs=tmp_path, name="run", **OPTIONS)
    assert run.finished
    warned = [r.message.split()[0] for r in messages.records if "torn" in r.message]
    assert warned == list(POINTS[1:])
    assert called.count("dlcv_epoch") == 2
    assert set(called) == set(POINTS[1:])


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


@plugin
class Other(Noting):
    """Notes each call as well."""


@pytest.fixture
def noting():
    yield from _noting()


def _noting():
    EVENTS.clear()
    with registry.register("tracker", "noting", Noting):
        yield EVENTS


@attrs.define
class Followed:
    """A run with its hooks and tracker, and what they noted."""

    run: dlcv.Run
    stage: list
    finished: list
    tracker: list
    log: str


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A run that hooks and a tracker follow, of which one fails at the end."""
    told, finished, log = [], [], []

    @contextlib.contextmanager
    def counting(stage):
        callback = keras.callbacks.Callback()
        callback.on_epoch_end = lambda epoch, logs=None: told.append((stage.epochs_done, epoch))
        yield attrs.evolve(stage, callbacks=(*stage.callbacks, callback))
        told.append("the end")

    def kept(run, result):
        finished.append(result)

    handler = logging.Handler()
    handler.emit = lambda record: log.append(record.getMessage())
    logger = logging.getLogger("dlcv")
    logger.addHandler(handler)
    with (
        contextlib.contextmanager(_noting)() as events,
        hooks(dlcv_stage=counting, dlcv_run_finished=fails_at_the_end),
        hooks("whole", dlcv_run_finished=kept),
    ):
        folder = tmp_path_factory.mktemp("followed")
        run = dlcv.run(runs=folder, name="run", trackers="noting", **OPTIONS)
        events = list(events)
    logger.removeHandler(handler)
    return Followed(run, told, finished, events, "\n".join(log))


def test_hook_changes_a_stage_and_sees_its_end(followed):
    assert followed.stage == [(1, 0), (2, 1), "the end"]


def test_a_wrapper_sees_what_the_others_return_and_wraps_all_of_them_once():
    calls = []

    def around(run):
        calls.append("begin")
        given = yield
        calls.append("end")
        return [*given, [keras.callbacks.Callback()]]

    with (
        hooks("first", dlcv_callbacks=lambda run: calls.append("first")),
        wrapping("around", dlcv_callbacks=around),
        hooks("last", dlcv_callbacks=lambda run: [keras.callbacks.Callback()]),
    ):
        callbacks = Observers(RunConfig()).callbacks(None)
    assert calls == ["begin", "first", "end"]
    assert len(callbacks) == 2


@pytest.mark.parametrize("fails_in", ["begin", "end"])
def test_a_wrapper_that_fails_at_the_end_of_a_run_is_left_out(messages, fails_in):
    calls = []

    def around(run, result):
        if fails_in == "begin":
            fail()
        yield
        fail()

    run = SimpleNamespace(metrics={})
    with (
        wrapping("torn", dlcv_run_finished=around),
        hooks("whole", dlcv_run_finished=lambda run, result: calls.append(result)),
    ):
        Observers(RunConfig()).finished(run)
    assert calls == [{}]
    assert messages.text.count("dlcv_run_finished of hooks:torn@acme failed (OSError") == 1


def test_a_wrapper_that_fails_before_the_training_ends_the_run():
    def around(run):
        yield
        fail()

    with (
        wrapping("torn", dlcv_run_started=around),
        pytest.raises(PluginError, match="dlcv_run_started of hooks:torn@acme failed: OSError"),
    ):
        Observers(RunConfig()).started(SimpleNamespace(config=RunConfig()))


def test_hook_that_fails_at_the_end_loses_nothing(followed):
    assert followed.run.finished
    assert followed.finished == [followed.run.metrics]
    assert "dlcv_run_finished of hooks:torn@acme failed (OSError" in followed.log


def test_a_run_records_the_hooks_that_it_ran_with(followed):
    recorded = {used["name"] for used in followed.run.plugin_versions if used["kind"] == "hook"}
    assert recorded == {d.name for d in registry.descriptors("hook")}


def test_tracker_follows_a_run(followed):
    assert followed.tracker == [
        ("run", "started"), ("run", "epoch", 1), ("run", "epoch", 2),
        ("run", "finished", *followed.run.metrics),
    ]  # fmt: skip
    assert str(followed.run.config.trackers) == "noting(fails_in='')".replace("'", '"')


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


def test_trackers_that_fail_later_are_left_out(tmp_path, noting, messages):
    with registry.register("tracker", "other", Other):
        trackers = "noting(fails_in=epoch), other(fails_in=finished)"
        run = dlcv.run(runs=tmp_path, name="run", trackers=trackers, **OPTIONS)
    assert run.finished
    assert [event[1] for event in noting] == [
        "started", "started", "epoch", "epoch", "epoch", "finished",
    ]  # fmt: skip
    for name in ("noting", "other"):
        left_out = f"tracker {name} failed (OSError: no server) and is left out"
        assert messages.text.count(left_out) == 1


def test_callback_may_end_a_training_on_purpose_which_stops_the_trackers(tmp_path, noting):
    def end(epoch, logs=None):
        raise DlcvError("budget spent")

    callback = keras.callbacks.Callback()
    callback.on_epoch_end = end
    with hooks(dlcv_callbacks=lambda run: [callback]), pytest.raises(DlcvError, match="budget"):
        dlcv.run(runs=tmp_path, name="run", trackers="noting", **OPTIONS)
    assert [event[1] for event in noting] == ["started", "stopped"]
