"""`dlcv search`: trials that leave the test images unseen, and the best of them, tested once."""

import re
import signal

import numpy as np
import pytest

pytest.importorskip("optuna")

import dlcv
from dlcv.api import RunDirectory
from dlcv.errors import DlcvError, ImageError, WriteError

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
            watcher._stage.asked.signal = signal.SIGTERM

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
    assert (stopped.stopped_by, len(stopped.trials), stopped.best) == (signal.SIGTERM, 1, None)
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
        ({"validation": "test"}, "validation: the test images would choose the settings and then"),
        ({"trials": 0}, "must be above 0"),
        ({"minutes": float("nan")}, "must be above 0"),
        (
            {"minutes": 1e-6},
            "was up before the first trial was complete; give it more",
        ),
    ],
)
def test_what_can_not_be_searched_is_one_line(tmp_path, changes, message):
    with pytest.raises(DlcvError, match=message):
        dlcv.search(**{**SEARCH, **changes}, out=tmp_path / "search")


def begun_at(found, folder, *vary, force=False):
    from dlcv_plugins.commands.search.space import read_space
    from dlcv_plugins.commands.search.storage import Search

    config = found.search.config
    return Search.begun(folder, config, read_space(config, vary), "tpe", "median", force=force)


@pytest.mark.parametrize(
    ("vary", "most", "combinations"),
    [
        (["batch_size=[8, 16]", "seed=(1, 3)"], 20, 6),
        # An option that is there for one choice only, and has numbers between others.
        (["optimizer=[sgd, adam]", "optimizer.sgd.momentum=(0.0, 0.9)"], 5, 5),
    ],
)
def test_no_combination_is_tried_twice(found, tmp_path, caplog, vary, most, combinations):
    caplog.set_level("INFO")
    # A name with what means something in an address.
    search = begun_at(found, tmp_path / "50%20{what}?", *vary)
    assert (search.folder / "search.db").exists()
    drawn = []
    for _ in range(most):
        with search.claimed(most) as claimed:
            if claimed is not None:
                drawn.append(claimed.trial.params)
                search.study.tell(claimed.trial.number, 1.0)
    assert len({*map(str, drawn)}) == len(drawn) == combinations
    ended = "all 6 combinations of the varied values are tried" in caplog.messages
    assert ended == (combinations < most)


def test_search_is_not_replaced_while_a_trial_is_trained(found, tmp_path):
    (tmp_path / "trials").mkdir()  # As another process left it that begins the same search.
    search = begun_at(found, tmp_path, "batch_size=[8, 16]")
    with (
        search.claimed(2),
        pytest.raises(DlcvError, match=r"another process trains a trial of .*; stop it, or name"),
    ):
        begun_at(found, tmp_path, "batch_size=[8, 16]", force=True)
    assert len(search.study.get_trials()) == 1
    assert begun_at(found, tmp_path, "batch_size=[8, 16]", force=True).study.get_trials() == []


def test_damaged_database_is_one_line_and_can_be_replaced(found, tmp_path):
    (tmp_path / "search.db").write_bytes(b"no database" * 100)
    with pytest.raises(DlcvError, match=r"search\.db can't be read: file is not a database; rest"):
        begun_at(found, tmp_path, "batch_size=[8, 16]")
    assert begun_at(found, tmp_path, "batch_size=[8, 16]", force=True).study.get_trials() == []


def test_samplers_take_words_and_name_the_package_that_they_lack(monkeypatch):
    import optuna

    from dlcv.registry import Spec
    from dlcv_plugins.commands.search import samplers

    made = samplers.made(optuna.samplers, "sampler", Spec.parse("qmc(qmc_type=halton)"), 1)
    assert made._qmc_type == "halton"
    monkeypatch.setitem(samplers.PACKAGES, "CmaEsSampler", "no_such_package")
    with pytest.raises(DlcvError, match="cma_es needs the package no_such_package: pip install"):
        samplers.made(optuna.samplers, "sampler", Spec("cma_es"))


def test_trial_fails_by_its_values_alone(found, tmp_path, monkeypatch):
    from dlcv_plugins.commands.search import trials

    refused = ImageError("is smaller than the patch", name="rose.png")
    refused.__cause__ = DlcvError("is smaller than the patch")
    of_trial = [
        refused,
        DlcvError("the loss is no longer finite"),
        MemoryError("no memory is left\non the GPU"),
    ]
    of_all = [WriteError("the disk is full"), ImageError("is damaged", name="rose.png")]
    raised = iter([*of_trial, *of_all])

    def breaks(*args):
        raise next(raised)

    monkeypatch.setattr(trials, "_trained", breaks)
    search = begun_at(found, tmp_path, "seed=(1, 9)")
    for error in of_trial:
        with search.claimed(9) as claimed:
            assert trials.train_trial(search, claimed, 0.0, []) == "failed", error
    for error in of_all:
        with search.claimed(9) as claimed, pytest.raises(type(error), match=str(error)):
            trials.train_trial(search, claimed, 0.0, [])
    with search.claimed(9) as claimed:
        claimed.path.mkdir()
        with (
            RunDirectory(claimed.path).lock(),
            pytest.raises(DlcvError, match="another process is writing"),
        ):
            trials.train_trial(search, claimed, 0.0, [])
    found = search.study.get_trials()
    assert [t.state.name for t in found] == ["FAIL", "FAIL", "FAIL", "RUNNING"]
    assert [t.user_attrs.get("reason") for t in found] == [
        "rose.png: is smaller than the patch", "the loss is no longer finite",
        "MemoryError: no memory is left", None,
    ]  # fmt: skip


def test_figures_are_named_where_the_evaluators_find_no_accuracy(found, monkeypatch):
    from dlcv.interfaces import Evaluation
    from dlcv_plugins.commands.search import results

    monkeypatch.setattr(results, "from_json", lambda recorded: Evaluation({"f1": 0.5}))
    text = results.optimism(found)
    assert re.search(r"On \d+ test images that no trial has seen it has f1 0\.5000\. Report", text)


def test_advice_after_ctrl_c_does_not_delete_the_search(stopped, monkeypatch):
    from click.testing import CliRunner

    from dlcv_plugins.commands.search import search
    from dlcv_plugins.commands.search.command import search as command

    words = ["--data", "my photos", "--vary", "seed=(1, 9)"]
    monkeypatch.setattr(search, "search", lambda *args, **options: stopped)
    monkeypatch.setattr("sys.argv", ["dlcv", "search", *words, "--force"])
    done = CliRunner().invoke(command, [*words, "--force"])
    assert done.exit_code == 128 + signal.SIGTERM
    assert done.output.endswith("  dlcv search --data 'my photos' --vary 'seed=(1, 9)'\n")


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
