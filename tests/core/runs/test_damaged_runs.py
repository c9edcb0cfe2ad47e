"""Runs that are damaged or not finished, and images that can't be read: one clear line each."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pictures
import pytest
from click.testing import CliRunner, Result

import dlcv
from dlcv.cli.evaluate import evaluate
from dlcv.cli.predict import predict
from dlcv.cli.resume import resume
from dlcv.cli.run import finish
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import Predictions
from dlcv.runs.inference_loader import log_fitting


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dlcv.Run:
    with pictures.switched(on=True):
        return dlcv.run(
            data="digits", architecture="mlp(units=4)", preprocessors="mean, scale", epochs=1,
            threads=1, runs=tmp_path_factory.mktemp("runs"), bad_images="skip",
        )  # fmt: skip


@pytest.fixture
def run(trained: dlcv.Run, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(trained.path, tmp_path / "a run"))


@pytest.fixture
def flawed(photos: Callable[..., Path]) -> str:
    """Labelled images of which one can't be read."""
    folder = photos(("0", "1"), count=3)
    (folder / "1" / "002.png").write_bytes(b"no image")
    return f"folder(path={json.dumps(str(folder))}, color_mode=grayscale)"


def evaluated(*arguments: str | Path) -> Result:
    return CliRunner().invoke(evaluate, [*map(str, arguments)])


def test_image_that_can_not_be_read_ends_an_evaluation(run: Path, flawed: str) -> None:
    result = evaluated(run, "--data", flawed)

    assert isinstance(result.exception, ImageError)
    assert "002.png: is no image" in str(result.exception)


def test_images_left_out_of_an_evaluation_are_told(run: Path, flawed: str) -> None:
    shown = evaluated(run, "--data", flawed, "--bad-images", "skip")
    found = evaluated(run, "--data", flawed, "--bad-images", "skip", "--json")

    assert "5 images, 1 left out" in shown.stdout
    assert "warning: left out: " in shown.stderr
    assert "002.png: is no image" in shown.stderr
    assert json.loads(found.stdout)["images"] == 5
    (skipped,) = json.loads(found.stdout)["skipped"]
    assert "002.png: is no image" in skipped


def test_evaluation_without_readable_images_is_refused(run: Path, photos: Callable) -> None:
    folder = photos(("0", "1"), count=1)
    for path in folder.rglob("*.png"):
        path.write_bytes(b"no image")
    data = f"folder(path={json.dumps(str(folder))}, color_mode=grayscale)"

    result = evaluated(run, "--data", data, "--bad-images", "skip")

    assert isinstance(result.exception, DlcvError)
    assert "there are no images" in str(result.exception)


def test_evaluating_an_unfinished_run_says_how_to_go_on(run: Path) -> None:
    (run / "metrics.json").unlink()

    result = evaluated(run)

    assert isinstance(result.exception, DlcvError)
    cure = f"continue with: dlcv resume '{run}' (--split val evaluates it as it is)"
    assert str(result.exception) == f"{run} is not finished; {cure}"


@pytest.mark.parametrize("where", [("--split", "test"), ("--data", "digits")])
def test_unfinished_run_is_evaluated_on_what_is_named(
    trained: dlcv.Run, run: Path, where: tuple[str, str]
) -> None:
    expected = trained.metrics
    (run / "metrics.json").unlink()
    (run / "predictions.npz").unlink()

    result = evaluated(run, *where, "--json")

    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)["metrics"]
    if where[0] == "--split":
        assert found["rank1"] == pytest.approx(expected["rank1"], abs=0.01)


def change(path: Path, **changes: np.ndarray | None) -> None:
    """Changes arrays of an archive; None takes one away."""
    with np.load(path) as archive:
        arrays = {**archive, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def use(path: Path) -> None:
    """Uses all that a run keeps."""
    run = dlcv.load(path)
    _ = run.metrics, run.history, run.predictions()
    run.predict(np.zeros((1, *run.input_shape), np.uint8))


JSON = {
    "labels 3": ("labels", "3", "the content should be list, not int"),
    "labels numbers": ("labels", "[1, 2]", "a value of the content should be str, not int"),
    "labels text": ("labels", "nonsense", "Expecting value"),
    "environment empty": ("environment", "{}", "the content has no libraries"),
    "environment list": ("environment", "[]", "the content should be dict, not list"),
    "metrics empty": ("metrics", "{}", "the content has no split"),
    "metrics text": (
        "metrics",
        '{"split": "test", "images": 1, "training_seconds": 1, "metrics": {"rank1": "x"}}',
        "rank1 should be float, not str",
    ),
    "metrics nested": ("metrics", "[" * 100_000, "maximum recursion depth exceeded"),
}
PARTS = {
    "intervals": ({"rank1": 0.5}, "rank1 should be list, not float"),
    "units": ({"rank1": None}, "rank1 should be str, not NoneType"),
    "notes": ("text", "notes should be list, not str"),
    "tables": (
        {"by_class": {"columns": ["a", "b"], "rows": [[1]]}},
        "by_class has a row with other values than its columns",
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_damaged_further_metrics_are_named(run: Path, name: str) -> None:
    content, reason = PARTS[name]
    path = run / "metrics.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: content}))

    with pytest.raises(DlcvError, match=rf"metrics\.json is damaged: {reason}"):
        use(run)


@pytest.mark.parametrize("name", JSON)
def test_damaged_json_is_named(run: Path, name: str) -> None:
    file, text, reason = JSON[name]
    (run / f"{file}.json").write_text(text)

    with pytest.raises(DlcvError, match=rf"{file}\.json is damaged: {reason}"):
        use(run)


@pytest.mark.parametrize("shape", [[8, 8], [8, 8, "1"], [8, 8, None], 8, [True, 8, 1]])
def test_damaged_input_shape_is_named(run: Path, shape: object) -> None:
    path = run / "environment.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "input_shape": shape}))

    with pytest.raises(
        DlcvError, match=rf"^{run}/environment\.json is damaged: .*input_shape should"
    ):
        use(run)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("\n1,1,", "\n1,one,", ".*'one'"),
        ("val_loss", "loss", "it has no column val_loss"),
        ("stage,", "", "it has no column stage"),
    ],
)
def test_damaged_history_is_named(run: Path, old: str, new: str, reason: str) -> None:
    path = run / "history.csv"
    path.write_text(path.read_text().replace(old, new))

    with pytest.raises(DlcvError, match=rf"history\.csv is damaged: {reason}"):
        use(run)


STATES = {
    "no number": {"foo.values": np.zeros(1)},
    "no such step": {"7.values": np.zeros(1)},
    "counted from the end": {"-1.values": np.zeros(1)},
    "no such state": {"1.other": np.zeros(1)},
    "missing": {"0.values": None},
    "wrong shape": {"0.values": np.zeros((3, 5), np.float32)},
    "wider shape": {"0.values": np.zeros((8, 8, 4), np.float32)},
    "text": {"0.values": np.array(["x"])},
}


@pytest.mark.parametrize("name", STATES)
def test_damaged_state_of_preprocessors_is_named(run: Path, name: str) -> None:
    change(run / "preprocessing.npz", **STATES[name])

    with pytest.raises(DlcvError, match=r"preprocessing\.npz (does not fit|is damaged)"):
        use(run)


PREDICTIONS = {
    "two axes": {"probabilities": np.zeros((3, 10), np.float32)},
    "fewer labels": {"labels": np.zeros(3, np.int64)},
    "fewer names": {"label_names": np.array(["a", "b"])},
    "no axis": {"sample_ids": np.array("a")},
    "text": {"probabilities": np.array([[["a"]]])},
    "no members": {"member_names": np.array("a")},
    "no accuracies": {"validation_accuracies": np.array(["a"])},
    "other copies": {"has_copy": np.zeros(3, bool)},
}


@pytest.mark.parametrize("name", PREDICTIONS)
def test_damaged_predictions_are_named_and_made_anew(
    trained: dlcv.Run, run: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    change(run / "predictions.npz", **PREDICTIONS[name])

    again = dlcv.load(run).predictions()

    assert f"{run}/predictions.npz is damaged" in caplog.text
    assert_same(again, trained.predictions())


@pytest.mark.parametrize("groups", [None, np.array(1), np.array(["a"])])
def test_damaged_groups_are_named(run: Path, groups: np.ndarray | None) -> None:
    np.savez(run / "groups.npz", **({} if groups is None else {"groups": groups}))

    with pytest.raises(DlcvError, match=r"groups\.npz is damaged: it holds no groups"):
        _ = dlcv.load(run).groups


def test_lost_predictions_are_made_anew(
    trained: dlcv.Run, run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (run / "predictions.npz").unlink()

    assert_same(dlcv.load(run).predictions(), trained.predictions())
    assert "predictions.npz" in caplog.text


def assert_same(found: Predictions, expected: Predictions) -> None:
    np.testing.assert_allclose(found.combined, expected.combined, atol=1e-6)
    assert found.labels.tolist() == expected.labels.tolist()
    assert found.sample_ids == expected.sample_ids


def test_label_without_a_class_is_damage(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    labels = dlcv.load(run).predictions().labels
    labels[0] = 10
    change(run / "predictions.npz", labels=labels)

    assert dlcv.load(run).predictions().labels[0] != 10
    assert "predictions.npz is damaged" in caplog.text


def test_fitting_other_sizes_is_said_once(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "dlcv")
    log_fitting.cache_clear()
    loaded = dlcv.load(run)

    for _ in range(2):
        loaded.predict(np.zeros((20, 20, 1), np.uint8))

    assert caplog.text.count("are fitted by aspect_aware") == 1


def test_probabilities_that_are_no_numbers_are_null_in_json(
    run: Path, photos: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = next(photos(count=1).rglob("*.png"))
    rows = np.full((1, 10), np.nan, np.float32)
    monkeypatch.setattr(dlcv.Run, "probabilities", lambda *_: rows)

    result = CliRunner().invoke(predict, [str(run), str(image), "--json"])

    assert "NaN" not in result.stdout
    assert json.loads(result.stdout)[0]["classes"][0]["probability"] is None


def test_printed_commands_work_where_paths_have_spaces(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(run.parent)
    loaded = dlcv.load(run)

    finish(loaded)
    loaded.stopped_by = 2
    with pytest.raises(SystemExit):
        finish(loaded)

    shown = "".join(capsys.readouterr())
    for line in ("dlcv evaluate 'a run'\n", "dlcv predict 'a run' IMAGE", "dlcv resume 'a run'\n"):
        assert line in shown


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> dlcv.Run:
    """A run with a checkpoint of each of its two epochs."""
    return dlcv.run(
        data="digits(size=8)", architecture="mlp(units=4)", epochs=2, checkpoint_every=1,
        fraction=0.2, threads=1, runs=tmp_path_factory.mktemp("runs"),
    )  # fmt: skip


@pytest.fixture
def torn(longer: dlcv.Run, tmp_path: Path) -> Path:
    """A copy whose last checkpoint is cut off."""
    run = Path(shutil.copytree(longer.path, tmp_path / "torn"))
    last = last_checkpoint(run)
    last.write_bytes(last.read_bytes()[:-100])
    return run


def last_checkpoint(run: Path) -> Path:
    return max((run / "checkpoints").iterdir())


def test_a_damaged_last_checkpoint_of_a_finished_run_is_no_prediction(torn: Path) -> None:
    last = last_checkpoint(torn)

    for which in ("last", "best"):
        with pytest.raises(DlcvError) as caught:
            _ = dlcv.load(torn, checkpoint=which).model
        assert str(caught.value) == (
            f"{last} is damaged: its checksum does not fit its content; predict with an earlier "
            "epoch: --checkpoint 1"
        )
    with pytest.raises(DlcvError, match="continue from an earlier one: --from-epoch 1"):
        dlcv.resume(torn, epochs=1)
    assert dlcv.load(torn, checkpoint=1).model.count_params() > 0


def test_an_unfinished_run_goes_on_from_the_checkpoint_before_and_says_so(
    torn: Path, caplog: pytest.LogCaptureFixture
) -> None:
    last = last_checkpoint(torn)
    (torn / "metrics.json").unlink()

    resumed = dlcv.resume(torn)

    assert resumed.finished
    assert (
        f"{last} is damaged: its checksum does not fit its content; trying the one" in caplog.text
    )


@pytest.mark.usefixtures("with_pictures")
@pytest.mark.parametrize("name", ["report.html", "model.keras", "predictions.npz"])
def test_resuming_a_finished_run_writes_what_is_missing(
    run: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "dlcv_plugins")
    before = dlcv.load(run).predictions().probabilities
    (run / name).unlink()

    dlcv.resume(run)

    assert (run / name).stat().st_size > 1000
    assert f"was finished; wrote what was missing: {name}" in caplog.text
    np.testing.assert_allclose(dlcv.load(run).predictions().probabilities, before, atol=1e-5)


def test_resuming_a_run_that_lacks_nothing_changes_nothing(
    run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "dlcv_plugins")
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}

    result = CliRunner().invoke(resume, [str(run)])

    assert result.exit_code == 0, result.exception
    assert "accuracy " in result.stdout
    assert "is finished, and all its files are there" in result.stderr + caplog.text
    after = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    assert {p: t for p, t in after.items() if p != run} == {
        p: t for p, t in before.items() if p != run
    }


def test_other_pixel_steps_decode_the_images_of_one_split_only(photos: Callable) -> None:
    """The training images may be gone when a run is evaluated on its test images."""
    folder = photos(("blue", "green"), count=10)
    trained = dlcv.run(
        data=str(folder), architecture="mlp(units=4)", preprocessors="aspect_aware(size=16)",
        epochs=1, threads=1, runs=folder.parent / "runs", name="net",
    )  # fmt: skip
    held_out = set(trained.predictions().sample_ids)
    for path in folder.rglob("*.png"):
        if not any(str(path).endswith(name) for name in held_out):
            path.write_bytes(b"no image")

    result = evaluated(trained.path, "--preproc", "crop(size=12), simple(size=16)", "--json")

    assert result.exit_code == 0, result.exception
    assert json.loads(result.stdout)["images"] == len(held_out)
