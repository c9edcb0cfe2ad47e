"""Runs of several members: what is trained and written, stopped and resumed, opened and refused."""

import json
import os
import shutil
import signal
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pictures
import pytest

import dlcv
from dlcv.errors import DlcvError
from dlcv.hooks import hook
from dlcv.registry import registry
from dlcv.runs.directory import RunDirectory
from dlcv.training import checkpoints
from dlcv_plugins.trainers.members import TrainedEnsemble

SMALL = {"data": "digits(size=8)", "architecture": "mlp(units=8)", "fraction": 0.1, "threads": 1,
         "optimizer": "sgd(momentum=0.9)", "epochs": 1, "checkpoint_every": 1, "batch_size": 16,
         "seed": 5, "sections": "headline"}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def trained(folder: Path) -> TrainedEnsemble:
    """A finished run of three members, `three`."""
    with pictures.switched(on=True):
        run = dlcv.run(runs=folder, name="three", members=3, **SMALL)
    assert (folder / "latest").resolve() == run.path.resolve()
    assert isinstance(run, TrainedEnsemble)
    return run


@pytest.fixture
def copy(trained: TrainedEnsemble, tmp_path: Path) -> Path:
    """A copy of the finished run, to be damaged."""
    shutil.copytree(trained.path, tmp_path / "three")
    return tmp_path / "three"


class Hooks:
    """Calls something after every step of a training."""

    act: Callable[[dlcv.Run], None] = staticmethod(lambda run: None)

    @hook
    def dlcv_callbacks(self, run: dlcv.Run) -> list[keras.callbacks.Callback]:
        return [keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_, **__: self.act(run))]


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    hooks = Hooks()
    registry.hooks()
    registry._manager.register(hooks)
    yield hooks
    registry._manager.unregister(hooks)


def weights(run: dlcv.Run) -> list[np.ndarray]:
    found = checkpoints.load_newest(run.directory.checkpoints)
    assert found is not None
    return found[0].arrays


def same_numbers(one: dlcv.Run, other: dlcv.Run) -> bool:
    equal = [np.array_equal(a, b) for a, b in zip(weights(one), weights(other), strict=True)]
    return all(equal) and one.metrics == other.metrics


def visible(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if not p.name.startswith(".")}


def test_directory_holds_members_and_what_they_say_together(trained: TrainedEnsemble) -> None:
    written = tomllib.loads((trained.path / "run.toml").read_text())

    assert visible(trained.path) >= {
        "run.toml", "labels.json", "environment.json", "members", "predictions.npz", "metrics.json",
    }  # fmt: skip
    assert visible(trained.path / "members") == {"1", "2", "3"}
    assert visible(trained.path / "members" / "3") >= {"curves.png", "model.keras", "metrics.json"}
    assert (written["members"], written["seed"]) == (3, 5)
    assert written["evaluators"].startswith("ensemble(method=mean), rank")
    assert not (trained.path / "members" / "latest").exists()


def test_members_differ_by_their_seed_alone(trained: TrainedEnsemble) -> None:
    configs = [member.config for member in trained.members]

    assert [config.seed for config in configs] == [5, 6, 7]
    assert {config.members for config in configs} == {1}
    assert {config.split.seed for config in configs} == {42}
    assert str(configs[0].evaluators) == "rank, classification_report"
    assert len({member.predictions().sample_ids for member in trained.members}) == 1
    assert not np.array_equal(*(weights(member)[0] for member in trained.members[:2]))


def test_a_member_is_the_run_of_its_seed(trained: TrainedEnsemble, folder: Path) -> None:
    alone = dlcv.run(runs=folder, name="alone", **{**SMALL, "seed": 6})

    assert same_numbers(alone, trained.members[1])


def test_figures_are_those_of_the_mean(trained: TrainedEnsemble) -> None:
    said = np.stack([member.predictions().combined for member in trained.members])
    labels = trained.members[0].predictions().labels
    content = json.loads((trained.path / "metrics.json").read_text())

    assert trained.metrics["rank1"] == (said.mean(axis=0).argmax(axis=1) == labels).mean()
    assert trained.metrics["ensemble_rank1"] == trained.metrics["rank1"]
    assert [row[0] for row in content["tables"]["ensemble"]["rows"]][:3] == [
        "member 1", "member 2", "member 3",
    ]  # fmt: skip
    assert (content["split"], content["images"]) == ("test", len(labels))
    with np.load(trained.path / "predictions.npz") as kept:
        np.testing.assert_array_equal(kept["probabilities"], said)


def test_directory_opens_as_an_ensemble(
    trained: TrainedEnsemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = dlcv.load(trained.path)

    assert isinstance(loaded, TrainedEnsemble)
    assert loaded.metrics == trained.metrics
    assert loaded.names == ("member 1", "member 2", "member 3")
    images = np.zeros((2, 8, 8, 1), np.uint8)
    each = [member.predict_proba(images) for member in trained.members]
    np.testing.assert_allclose(loaded.predict_proba(images), np.mean(each, axis=0), atol=1e-6)

    # What was predicted is kept by each member, and needs no network any more.
    val = loaded.predictions(split="val")
    assert val.probabilities.shape[0] == 3
    monkeypatch.setattr(dlcv.Run, "model", property(lambda self: pytest.fail("was built")))
    again = dlcv.load(trained.path)
    assert again.predictions().probabilities.shape[0] == 3
    np.testing.assert_array_equal(again.predictions(split="val").combined, val.combined)


def test_method_is_that_of_the_run_unless_another_is_asked_for(copy: Path) -> None:
    config = copy / "run.toml"
    config.write_text(config.read_text().replace("method=mean", "method=vote"))

    voting, averaging = dlcv.load(copy), dlcv.load(copy, method="mean")

    assert isinstance(voting, dlcv.Ensemble)
    assert isinstance(averaging, dlcv.Ensemble)
    assert (voting.method, averaging.method) == ("vote", "mean")


def test_any_runs_are_combined(trained: TrainedEnsemble, folder: Path) -> None:
    options = {
        "architecture": "shallownet",
        "preprocessors": "aspect_aware(size=16), patch(size=12), scale",
        "epochs": 1,
    }
    other = dlcv.run(runs=folder, name="other", **{**SMALL, **options})

    together = dlcv.load(trained.path / "members" / "1", other.path)
    crops = dlcv.load(trained.path, other.path).predictions(preprocessors="crop")

    assert together.predictions().probabilities.shape[0] == 2
    assert crops.member_names == ("three, member 1", "three, member 2", "three, member 3", "other")
    assert not np.array_equal(crops.probabilities[3], other.predictions().combined)


def test_stopped_run_goes_on_with_the_unfinished_member_to_the_same_end(
    trained: TrainedEnsemble, tmp_path: Path, hooks: Hooks
) -> None:
    def stop(run: dlcv.Run) -> None:
        if run.path.name == "2":
            hooks.left -= 1
            if not hooks.left:
                os.kill(os.getpid(), signal.SIGINT)

    hooks.act, hooks.left = stop, 3
    stopped = dlcv.run(runs=tmp_path, name="three", members=3, **SMALL)
    assert isinstance(stopped, TrainedEnsemble)
    assert (stopped.stopped_by, stopped.finished, stopped.metrics) == (signal.SIGINT, False, {})
    assert visible(stopped.path / "members") == {"1", "2"}
    first = (stopped.path / "members" / "1" / "metrics.json").stat().st_mtime_ns
    # A process that was killed may leave less than it takes to go on.
    (stopped.path / "members" / "3").mkdir()
    shutil.copy(stopped.path / "members" / "1" / "run.toml", stopped.path / "members" / "3")
    with pytest.raises(
        DlcvError,
        match=r"member 2 of the 3 of .* is not trained .*: dlcv resume .*three",
    ):
        dlcv.load(stopped.path)

    resumed = dlcv.resume(stopped.path)

    assert isinstance(resumed, TrainedEnsemble)
    assert resumed.finished
    assert (stopped.path / "members" / "1" / "metrics.json").stat().st_mtime_ns == first
    for member, straight in zip(resumed.members, trained.members, strict=True):
        assert same_numbers(member, straight)
    assert resumed.metrics == trained.metrics


@pytest.mark.usefixtures("with_pictures")
def test_resuming_a_finished_run_writes_what_is_missing(
    trained: TrainedEnsemble, copy: Path
) -> None:
    missing = [copy / "report.html", copy / "members" / "2" / "report.html"]
    half_written = [path.with_name(".report.1-1.tmp.html") for path in missing]
    for path, left in zip(missing, half_written, strict=True):
        path.rename(left)

    assert dlcv.resume(copy).finished
    assert all(path.stat().st_size > 1000 for path in missing)
    assert not any(path.exists() for path in half_written)

    shutil.rmtree(copy / "members" / "3")
    with pytest.raises(DlcvError, match="member 3 of the 3 of"):
        dlcv.load(copy)
    assert dlcv.resume(copy).metrics == trained.metrics


@pytest.mark.usefixtures("with_pictures")
def test_resuming_writes_what_is_missing_of_a_finished_member(copy: Path) -> None:
    report = copy / "members" / "1" / "report.html"
    for path in (report, copy / "metrics.json"):
        path.unlink()

    assert dlcv.resume(copy).finished
    assert report.stat().st_size > 1000


def test_finished_run_takes_no_other_settings(trained: TrainedEnsemble) -> None:
    with pytest.raises(DlcvError, match=r"has 3 members, .* by itself: resume .*/1 to .*/3 with"):
        dlcv.resume(trained.path, learning_rate=0.1)
    with pytest.raises(DlcvError, match="has 3 members"):
        dlcv.resume(trained.path, from_epoch=1)


def test_a_member_that_went_on_is_combined_again(copy: Path) -> None:
    member = copy / "members" / "1"
    dlcv.resume(member, epochs=1, learning_rate=0.01)
    assert not (copy / "metrics.json").exists()
    assert not (copy / "predictions.npz").exists()

    run = dlcv.resume(copy)

    assert isinstance(run, TrainedEnsemble)
    assert [len(m.history) for m in run.members] == [2, 1, 1]
    np.testing.assert_array_equal(
        run.predictions().probabilities[0], run.members[0].predictions().combined
    )


def damage_checkpoints(run: Path) -> None:
    for path in (run / "members" / "2" / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-1])


def damage_labels(run: Path) -> None:
    (run / "members" / "2" / "labels.json").write_text("[")


def other_labels(run: Path) -> None:
    (run / "members" / "2" / "labels.json").write_text('["zero", "one"]')


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_checkpoints, "2/checkpoints holds no whole checkpoint"),
        (damage_labels, r"2/labels\.json is damaged"),
        (other_labels, r"members/2 and .*members/1 do not have the same classes: .* lacks 0, 1"),
    ],
)
def test_damaged_member_is_named(copy: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(copy)

    with pytest.raises(DlcvError, match=message):
        dlcv.load(copy).predict_proba(np.zeros((1, 8, 8, 1), np.uint8))


def test_the_same_run_is_not_combined_with_itself(trained: TrainedEnsemble) -> None:
    os.symlink(trained.path, trained.path.parent / "link")

    with pytest.raises(DlcvError, match=r"link and .*three are the same run; name each once"):
        dlcv.load(trained.path.parent / "link", trained.path)


def test_a_single_network_is_not_taken_from_several(trained: TrainedEnsemble) -> None:
    from dlcv.api import load_run

    with pytest.raises(DlcvError, match=r"three has 3 members; name one of them: .*members/1"):
        load_run(trained.path)


def test_mistyped_checkpoint_is_refused(trained: TrainedEnsemble) -> None:
    with pytest.raises(DlcvError, match='an epoch or snapshots, received "snapshot"'):
        dlcv.load(trained.path, checkpoint="snapshot")


def test_nothing_is_loaded_from_nothing() -> None:
    with pytest.raises(DlcvError, match="no run to load"):
        dlcv.load()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"members": 0}, "members: expected int >= 1, received 0"),
        ({"seed": 2**32 - 1}, r"seed of the last member: expected .* received 4294967297"),
        ({"preprocessors": "patch(size=20), scale"}, "is smaller than the patch"),
        ({"evaluators": "ensemble(method=median)"}, "median"),
    ],
)
def test_mistake_is_refused_before_anything_is_written(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DlcvError, match=message):
        dlcv.run(runs=tmp_path / "runs", name="three", **{**SMALL, "members": 3, **options})
    assert not (tmp_path / "runs").exists()


def fail(run: dlcv.Run) -> None:
    raise DlcvError("stopped on purpose")


@pytest.mark.slow
def test_replaced_run_is_back_where_the_first_member_comes_to_nothing(
    copy: Path, hooks: Hooks
) -> None:
    hooks.act = fail
    with pytest.raises(DlcvError, match="stopped on purpose"):
        dlcv.run(runs=copy.parent, name="three", force=True, members=2, **SMALL)
    assert isinstance(dlcv.load(copy), TrainedEnsemble)

    def fail_later(run: dlcv.Run) -> None:
        if run.path.name == "2":
            fail(run)

    hooks.act = fail_later
    with pytest.raises(DlcvError, match="stopped on purpose"):
        dlcv.run(runs=copy.parent, name="three", force=True, members=2, **SMALL)
    # A member that is trained stays, and what it replaced is gone.
    assert dlcv.load(copy / "members" / "1").finished
    assert not RunDirectory(copy).replaced.exists()

    hooks.act = lambda run: None
    assert dlcv.resume(copy).finished


def test_another_process_is_kept_out(trained: TrainedEnsemble, copy: Path) -> None:
    (copy / "metrics.json").unlink()

    with (
        RunDirectory(copy).lock(),
        pytest.raises(DlcvError, match=r"another process is writing .*three"),
    ):
        dlcv.resume(copy)
