"""`dlcv search`: trials that leave the test images unseen, and the best of them, tested once."""

import re
import signal

import numpy as np
import pytest

pytest.importorskip("optuna")

import dlcv
from dlcv.api import RunDirectory
from dlcv.errors import DlcvError

COMMON = {
    "data": "digits", "architecture": "lenet(width=0.2)", "optimizer": "sgd", "fraction": 0.1,
    "batch_size": 16, "threads": 1,
}  # fmt: skip
SEARCH = {**COMMON, "epochs": 2, "vary": ["learning_rate=log(1e-3, 1e-1)"], "trials": 2}


def values(found):
    return sorted((t.number, t.params["learning_rate"], t.value) for t in found.trials)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A search that somebody stopped in its second trial."""
    from dlcv_plugins.commands.search import trials

    def stop(watcher, batch, logs=None):
        if watcher._watching.trial.number == 1:
            watcher._stage.asked.signal = signal.SIGINT

    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(trials._Watcher, "on_train_batch_end", stop)
        return dlcv.search(**SEARCH, out=tmp_path_factory.mktemp("search") / "found")


@pytest.fixture(scope="module")
def begun(stopped):
    """What is there of its second trial."""
    trial = stopped.search.study.get_trials()[1]
    return trial.state.name, trial.params, RunDirectory(stopped.search.path(2)).has_checkpoint


@pytest.fixture(scope="module")
def found(stopped, begun):
    """The same search, to its end."""
    return dlcv.search(**SEARCH, out=stopped.search.folder)


def test_search_that_was_stopped_goes_on_with_its_trial(stopped, begun, found):
    assert (stopped.stopped_by, len(stopped.trials), stopped.best) == (signal.SIGINT, 1, None)
    state, params, has_checkpoint = begun
    assert (state, has_checkpoint) == ("RUNNING", True)
    assert next(t for t in found.trials if t.number == 1).params == params
    assert len(found.complete) == 2


def test_values_depend_on_the_seed_and_the_trials_before_alone(found, tmp_path):
    from dlcv_plugins.commands.search.storage import Search

    search = found.search
    again = Search.begun(tmp_path, search.config, search.space, "tpe", "median", force=False)
    for trial in sorted(found.trials, key=lambda t: t.number):
        with again.claimed(2) as claimed:
            assert claimed.trial.params == trial.params
            again.study.tell(claimed.trial, trial.value)
    with again.claimed(2) as claimed:
        assert claimed is None


def test_no_two_processes_train_the_same_trial(found, tmp_path):
    from dlcv_plugins.commands.search.storage import Search

    search = found.search
    again = Search.begun(tmp_path, search.config, search.space, "tpe", "median", force=False)
    with again.claimed(2) as first:
        with again.claimed(2) as second:
            assert (first.number, second.number, again.others_at_work()) == (1, 2, 2)
        # The second was let go unfinished.
        with again.claimed(2) as taken_up:
            assert taken_up.number == 2


def test_trials_leave_the_test_images_unseen_and_the_best_is_tested(found):
    best = found.complete[0]
    trial = dlcv.load(found.search.path(best.number + 1))
    assert trial.directory.read_json("metrics")["split"] == "val"
    validated, tested = trial.predictions(), found.best.predictions()
    assert found.best.directory.read_json("metrics")["split"] == "test"
    assert not {*validated.sample_ids} & {*tested.sample_ids}
    pairs = zip(trial.model.get_weights(), found.best.model.get_weights(), strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)
    assert found.best.config.trainer is None
    assert found.best.config.stages[0].optimizer.options["learning_rate"] == pytest.approx(
        best.params["learning_rate"]
    )


def test_best_is_the_one_whose_validation_loss_is_lowest(found):
    rows = [dlcv.load(found.search.path(n)).trained_row for n in (1, 2)]
    # The network has no penalties, so the loss is the history's.
    expected = sorted((row["val_loss"], number) for number, row in enumerate(rows))
    assert [t.number for t in found.complete] == [number for _, number in expected]
    assert [t.value for t in found.complete] == pytest.approx([loss for loss, _ in expected])


def test_page_needs_no_other_file_and_says_how_optimistic_the_figure_is(found):
    page = found.page.read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert page.count('<img src="data:image/png;base64,') == 4
    assert "was chosen as the best of 2 on the validation images" in page
    assert re.search(r"On \d+ test images that no trial has seen it has", page)


def test_same_call_goes_on_and_does_nothing_twice(found):
    before = found.best.directory.predictions.stat().st_mtime_ns
    again = dlcv.search(**SEARCH, out=found.search.folder)
    assert values(again) == values(found)
    assert again.best.directory.predictions.stat().st_mtime_ns == before


def test_other_settings_and_other_folders_are_refused(found, tmp_path):
    with pytest.raises(DlcvError, match="holds a search with other settings; repeat the same"):
        dlcv.search(**{**SEARCH, "batch_size": 8}, out=found.search.folder)
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(DlcvError, match="holds no search; choose another folder"):
        dlcv.search(**SEARCH, out=tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vary": []}, "vary: nothing is varied"),
        ({"sampler": "tpa"}, "sampler: Optuna has no tpa; it has"),
        ({"pruner": "median(n_startup=1)"}, "pruner: median"),
        ({"members": 3}, "members: a search compares the validation losses of networks"),
        ({"trials": 0}, "must be above 0"),
        ({"minutes": float("nan")}, "must be above 0"),
        ({"minutes": 1e-6}, "was up before the first trial was complete; the same command goes on"),
    ],
)
def test_what_can_not_be_searched_is_one_line(tmp_path, changes, message):
    with pytest.raises(DlcvError, match=message):
        dlcv.search(**{**SEARCH, **changes}, out=tmp_path / "search")


def test_trial_that_the_pruner_refuses_ends_after_an_epoch(tmp_path):
    with pytest.raises(DlcvError, match="all 1 trials were pruned, so none is the best; choose"):
        dlcv.search(
            **{**SEARCH, "trials": 1}, pruner="threshold(upper=0.01)", out=tmp_path / "search"
        )
    history = dlcv.load(tmp_path / "search" / "trials" / "0001").history
    assert [row["epoch"] for row in history] == [1]


def test_search_whose_trials_all_fail_is_one_line(tmp_path):
    with pytest.raises(DlcvError, match="all 1 trials failed; the last, trial 1: the loss is no"):
        dlcv.search(
            **COMMON, epochs=1, vary=["learning_rate=(1e37, 1e38)"], trials=1,
            out=tmp_path / "search",
        )  # fmt: skip


def test_plots_call_the_value_a_loss_and_count_trials_from_1():
    from matplotlib.figure import Figure

    from dlcv_plugins.commands.search.page import _name_as_elsewhere

    across, along = Figure().subplots(), Figure().subplots()
    across.set_xticks(range(2), ["Objective Value", "batch_size"])
    along.set_xlabel("Trial")
    along.set_ylabel("Objective Value")
    for axes in (across, along):
        _name_as_elsewhere(axes)
    names = [text.get_text() for text in across.get_xticklabels()]
    assert names == ["validation loss", "batch_size"]
    assert (along.get_xlabel(), along.get_ylabel()) == ("trial", "validation loss")
    assert along.xaxis.get_major_formatter()(0, None) == "1"
