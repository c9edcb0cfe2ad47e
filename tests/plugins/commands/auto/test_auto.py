"""`dlcv auto`: transfer, fine-tuning and a combination, of which the best is tested once."""

import json
import os
import signal

import attrs
import numpy as np
import pytest
from forked import dlcv as command

import dlcv
from dlcv.api import RunDirectory, new_directory
from dlcv.errors import DlcvError
from dlcv_plugins.commands.auto import attempt, auto, candidates
from dlcv_plugins.commands.auto.candidates import Candidate, combined
from dlcv_plugins.commands.auto.clock import Clock, OutOfTimeError
from dlcv_plugins.trainers.combined import test_combined as finish_combined
from dlcv_plugins.trainers.combined import write_combined


@pytest.fixture(scope="module")
def found(base_run, flowers, tmp_path_factory):
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(attempt, "MOST_EPOCHS", 2)
        changed.setattr(attempt, "AUGMENTATIONS", {"flips": "flip"})
        return dlcv.auto(
            flowers, bases=[str(base_run.path)], minutes=3, threads=1, name="best",
            runs=tmp_path_factory.mktemp("auto") / "runs",
        )  # fmt: skip


def test_best_by_validation_is_tested_once_and_is_no_worse_than_transfer(found):
    tried = [rung.candidate for rung in found.rungs]
    names = ["transfer from base", "fine-tuned base, flips"]
    assert [rung.what for rung in found.rungs[:2]] == names
    assert found.chosen.right >= tried[0].right
    allowed = [c for c in tried if c.right >= tried[0].right]
    assert found.chosen.loss == min(c.loss for c in allowed)
    assert found.run.directory.read_json("metrics")["split"] == "test"
    for candidate in tried:
        for path in candidate.paths:
            assert RunDirectory(path).read_json("metrics")["split"] == "val"


def test_fine_tuning_begins_with_the_fitted_classifier(found):
    probe, tuned = (dlcv.load(rung.candidate.paths[0]) for rung in found.rungs[:2])
    stage = tuned.config.stages[0]
    assert (stage.trainable, stage.epochs) == ("all", 2)
    assert str(tuned.config.preprocessors).startswith("flip")
    # Adam at 0.0001 moves no weight further than that a step.
    pairs = zip(probe.model.get_weights(), tuned.model.get_weights(), strict=True)
    moved = max(float(np.abs(a - b).max()) for a, b in pairs)
    assert 0 < moved < 0.01
    transfer = attrs.evolve(found, chosen=found.rungs[0].candidate)
    tuning = attrs.evolve(found, chosen=found.rungs[1].candidate)
    assert (transfer.begins_with_tried, tuning.begins_with_tried) == (False, True)


def test_result_predicts_and_its_page_has_the_ladder(found, flowers):
    (prediction,) = found.run.predict([flowers / "rose" / "000.png"])
    assert prediction.label in ("daisy", "iris", "rose", "tulip")
    again = dlcv.load(found.run.path)
    assert again.metrics == found.run.metrics
    ladder = json.loads((found.run.path / "auto.json").read_text())
    assert [each["what"] for each in ladder["tried"]] == [rung.what for rung in found.rungs]
    page = (found.run.path / "auto.html").read_text()
    assert "fine-tuned base, flips" in page
    assert "Tested once:" in page
    assert 'src="' not in page


def test_several_networks_become_one_run(found, flowers, tmp_path):
    sources = [rung.candidate.paths[0] for rung in found.rungs[:2]]
    runs = tmp_path / "runs"
    with new_directory(
        runs, "both", "both", lambda made: write_combined(sources, made), force=False
    ) as directory:
        run = finish_combined(directory, sources, 0.75)
    assert run.validation_accuracy == 0.75
    data = [made.directory.read_json("environment")["data"] for made in (run, found.run)]
    assert data[0]["fingerprints"]["test"] == data[1]["fingerprints"]["test"]
    again = dlcv.load(run.path)
    members = [member.predictions().combined for member in again.members]
    assert np.allclose(again.predictions().combined, np.mean(members, axis=0), atol=1e-6)
    image = [flowers / "rose" / "000.png"]
    each = [dlcv.load(source).predict_proba(image) for source in sources]
    assert np.allclose(again.predict_proba(image), np.mean(each, axis=0), atol=1e-5)
    assert "ensemble_gain" in again.metrics
    assert dlcv.resume(run.path).finished
    with pytest.raises(DlcvError, match="combines runs that were trained apart; resume one"):
        dlcv.resume(run.path, learning_rate=0.1)
    with pytest.raises(DlcvError, match="are trained one by one"):
        dlcv.run(run.path / "run.toml", runs=runs)


def test_ctrl_c_keeps_the_best_so_far(base_run, flowers, tmp_path, monkeypatch):
    def interrupted(config):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(candidates, "step_seconds", interrupted)
    found = dlcv.auto(
        flowers, bases=[str(base_run.path)], threads=1, name="kept", runs=tmp_path / "runs"
    )
    assert found.stopped_by == signal.SIGINT
    assert found.chosen.what == "transfer from base"
    assert dlcv.load(tmp_path / "runs" / "kept").metrics["rank1"] >= 0


def attempt_at(flowers, base_run, folder, seconds=60.0, options=None):
    bases = [str(base_run.path)]
    return attempt.Attempt(str(flowers), options or {}, bases, folder, clock=Clock(seconds))


def test_one_strength_is_fitted_where_a_search_takes_too_long(
    base_run, flowers, tmp_path, monkeypatch
):
    fit = candidates.probe

    def slow(config, *args, number, **options):
        if number == 1:
            raise OutOfTimeError
        return fit(config, *args, number=number, **options)

    monkeypatch.setattr(candidates, "probe", slow)
    monkeypatch.setattr(candidates, "feature_seconds", lambda config, yielding: 100.0)
    trying = attempt_at(flowers, base_run, tmp_path, options={"threads": 1})
    found = trying._first("first", 60.0, *trying._config(trying.bases[0], 1.0))
    assert dlcv.load(found.paths[0]).config.classifier.options["C"] == 1.0
    # What the features take, which were there, is counted: 45 images of 100 seconds.
    assert 4500 < found.seconds < 4560
    assert "the search for a strength takes too long" in trying.reasons[1][1]
    # Another base of the same architecture has a run of its own.
    other = trying._fitted("other", *trying._config(trying.bases[0], 1.0)[::-1])
    assert [path.name for c in (found, other) for path in c.paths] == [
        "2-transfer-lenet", "3-transfer-lenet"
    ]  # fmt: skip


def test_fine_tuning_that_breaks_is_a_failed_rung(found, flowers, base_run, monkeypatch):
    def breaks(*args):
        raise MemoryError("no memory is left\non the GPU")

    trying, probe = attempt_at(flowers, base_run, found.run.path), found.rungs[0].candidate
    monkeypatch.setattr(candidates, "train", breaks)
    monkeypatch.setattr(candidates, "step_seconds", breaks)
    assert trying._timed_epoch(probe, "base") is None
    assert trying._tune(probe, "base", "flips", "flip", 1) is None
    assert [(rung.what, rung.remark) for rung in trying.rungs] == [
        ("fine-tuned base", "failed: MemoryError: no memory is left"),
        ("fine-tuned base, flips", "failed: MemoryError: no memory is left"),
    ]


def test_time_is_kept_for_the_images_that_are_tested(found, flowers, base_run):
    probe = found.rungs[0].candidate
    tested = found.run.directory.read_json("environment")["data"]["images"]["test"]
    assert (probe.images, tested) == ({"train": 39, "val": 6}, 11)
    for fraction, to_test in ((1.0, 11), (0.9, 5), (0.1, 6)):
        trying = attempt_at(flowers, base_run, found.run.path)
        before = trying.reserve
        trying._set_reserve(probe, fraction)
        assert trying.reserve - before == pytest.approx(to_test * probe.seconds / 45)


def test_signal_while_the_winner_is_tested_is_noted_and_the_test_ends(
    found, flowers, base_run, tmp_path, monkeypatch
):
    def tested(*args, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return found.run

    def run(trying):
        trying.rungs.append(found.rungs[0])

    monkeypatch.setattr(attempt.Attempt, "run", run)
    monkeypatch.setattr(auto, "_tested", tested)
    made = dlcv.auto(flowers, bases=[str(base_run.path)], runs=tmp_path)
    assert (made.run, made.stopped_by) == (found.run, signal.SIGTERM)


def test_calls_at_once_have_names_of_their_own_and_replace_nothing(flowers, tmp_path):
    with auto._tried(tmp_path, None, str(flowers), force=False) as first:
        with auto._tried(tmp_path, None, str(flowers), force=False) as second:
            names = [first.name, second.name]
        with (
            pytest.raises(DlcvError, match=r"another process is using .*-1-tried"),
            auto._tried(tmp_path, "auto-flowers-1", str(flowers), force=True),
        ):
            pass
    assert names == ["auto-flowers-1-tried", "auto-flowers-2-tried"]
    (first / "notes.txt").touch()
    with (
        pytest.raises(DlcvError, match="auto-flowers-1-tried exists already; choose another name"),
        auto._tried(tmp_path, "auto-flowers-1", str(flowers), force=False),
    ):
        pass
    assert (first / "notes.txt").exists()
    with auto._tried(tmp_path, "auto-flowers-1", str(flowers), force=True):
        assert [path.name for path in first.iterdir()] == [".lock"]


def test_too_little_time_is_one_line_and_leaves_nothing(base_run, flowers, tmp_path):
    done = command(
        "auto", flowers, "--base", base_run.path, "--minutes", "0.0001", folder=tmp_path,
        has_pictures=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "; give it more --minutes" in done.stderr
    assert not [*tmp_path.glob("runs/[!.]*")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"minutes": 0}, "minutes: expected a number above 0"),
        ({"minutes": float("inf")}, "minutes: expected a number above 0 and below 1,000,000"),
        ({"bases": ["resnet5o"]}, "unknown architecture"),
        ({"validation": "test"}, "validation: the test images would choose the model and then"),
        ({"data": "nowhere"}, "no such file or folder: nowhere"),
    ],
)
def test_wrong_options_are_one_line(base_run, flowers, tmp_path, options, message):
    with pytest.raises(DlcvError, match=message):
        dlcv.auto(**{"data": flowers, "bases": ["lenet"], "runs": tmp_path, **options})
    assert not [*tmp_path.iterdir()]


def test_share_of_the_images_is_used_where_all_take_too_long(base_run, flowers, monkeypatch):
    monkeypatch.setattr(attempt, "SLOWEST", 10.0)
    monkeypatch.setattr(candidates, "feature_seconds", lambda config, yielding: 1.0)
    trying = attempt_at(flowers, base_run, flowers)
    with pytest.raises(DlcvError, match="the features of 56 images take about 56 s, and there are"):
        trying._fraction()
    monkeypatch.setattr(attempt, "FEWEST", 2)
    # Of 60 seconds, 0.4 are for features: 24 of 56 images.
    assert trying._fraction() == 0.42
    assert "a share of 0.42 is used" in trying.reasons[0][1]
    monkeypatch.setattr(candidates, "feature_seconds", lambda config, yielding: 0.1)
    assert trying._fraction() == 1.0


def test_other_networks_are_tried_where_there_is_no_time_to_fine_tune(
    base_run, flowers, tmp_path, monkeypatch
):
    monkeypatch.setattr(attempt, "PROBING", 0.0)
    monkeypatch.setattr(attempt, "FEWEST_EPOCHS", 10_000)
    bases, options = [str(base_run.path), f"{base_run.path}/"], {"threads": 1}
    trying = attempt.Attempt(str(flowers), options, bases, tmp_path, clock=Clock(60.0))
    trying.run()
    assert [rung.what for rung in trying.rungs] == ["transfer from base", "transfer from base"]
    reasons = [reason for _, reason in trying.reasons]
    first = next(i for i, r in enumerate(reasons) if r.startswith("no time now for the features"))
    assert reasons[first + 1].startswith("no fine-tuning of base: two epochs take longer")


def made(what, rows):
    return Candidate(what, (what,), 1.0, np.zeros(len(rows), np.int64), np.array(rows, float))


def test_combination_is_made_where_it_lowers_the_loss():
    first = made("first", [[0.9, 0.1], [0.4, 0.6]])
    other = made("other", [[0.4, 0.6], [0.9, 0.1]])
    same = made("same", [[0.9, 0.1], [0.39, 0.61]])
    assert combined([first, same]) is None
    found = combined([first, same, other])
    assert found.paths == ("first", "other")
    assert found.right == 2
    # By hand: -ln(0.65) for both images.
    assert found.loss == pytest.approx(-np.log(0.65))
