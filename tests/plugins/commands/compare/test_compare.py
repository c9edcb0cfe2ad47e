"""Runs side by side, without a network."""

import csv
import json
import math
import subprocess
import sys

import cv2
import forked
import pytest
from written_runs import FINGERPRINTS, history, write_run

import dlcv
from dlcv.config import RunConfig, StageConfig
from dlcv.errors import DlcvError
from dlcv_plugins.commands.compare.differences import differing_settings, networks
from dlcv_plugins.commands.compare.files import draw_curves, write_table

FIGURES = {"rank1": 0.7, "rank5": 0.9, "largest_class": 0.25}
NAMES = ("a", "b", "c", "d")


def finished(path, **options):
    return write_run(path, **{"metrics": FIGURES, "label_names": NAMES, **options})


def config(**options):
    return RunConfig().with_options(**options)


def test_rows_hold_what_runs_recorded(tmp_path):
    path = finished(
        tmp_path / "one", intervals={"rank1": (0.6, 0.8)}, rows=history((0.5, 0.75, 0.7))
    )
    guessing, row = dlcv.compare([path])
    assert (guessing.run, guessing.best_accuracy) == ("random guessing", 0.25)
    assert guessing.metrics == {"rank1": 0.25, "rank5": 1.0}
    assert (row.run, row.network) == ("one", "lenet")
    assert (row.best_accuracy, row.best_epoch) == (0.75, 2)
    assert (row.last_accuracy, row.last_epoch) == (0.7, 3)
    assert (row.split, row.images, row.metrics, row.intervals) == (
        "test", 100, FIGURES, {"rank1": (0.6, 0.8)},
    )  # fmt: skip
    assert (row.parameters, row.seconds, row.remarks) == (1234, 6.0, ())


def test_a_large_class_is_to_be_beaten_too(tmp_path):
    figures = {"rank1": 0.91, "largest_class": 0.9}
    rows = dlcv.compare([finished(tmp_path / "one", metrics=figures)])
    assert [row.run for row in rows] == ["random guessing", "largest class", "one"]
    assert rows[1].metrics == {"rank1": 0.9}


def test_a_run_without_epochs_has_its_validation_accuracy(tmp_path):
    path = finished(tmp_path / "fitted", rows=[])
    content = json.loads((path / "metrics.json").read_text())
    (path / "metrics.json").write_text(json.dumps({**content, "validation_accuracy": 0.8}))
    row = dlcv.compare([path])[1]
    assert (row.best_accuracy, row.best_epoch, row.last_accuracy) == (0.8, None, None)


def test_unfinished_and_older_runs_have_blanks(tmp_path):
    stopped = write_run(tmp_path / "stopped", label_names=NAMES, rows=history((0.5,)))
    begun = write_run(tmp_path / "begun", label_names=NAMES, rows=[], parameters=None)
    _, first, second = dlcv.compare([stopped, begun])
    assert first.remarks == second.remarks == ("not finished",)
    assert (first.best_accuracy, first.metrics, first.seconds) == (0.5, {}, 2.0)
    assert (second.best_accuracy, second.last_epoch, second.parameters) == (None, None, None)


def test_runs_that_do_not_compare_are_marked(tmp_path):
    one = finished(tmp_path / "one")
    classes = finished(tmp_path / "classes", label_names=("x", "y"))
    order = finished(tmp_path / "order", label_names=NAMES[::-1])
    images = finished(tmp_path / "images", fingerprints={**FINGERPRINTS, "test": "d" * 64})
    training = finished(tmp_path / "training", fingerprints={**FINGERPRINTS, "train": "d" * 64})
    rows = dlcv.compare([one, classes, order, images, training])[1:]
    assert [row.remarks for row in rows] == [
        (), ("other classes",), (), ("other held-out images",), (),
    ]  # fmt: skip


def test_the_first_finished_run_is_the_measure(tmp_path):
    stopped = write_run(tmp_path / "stopped", label_names=("x", "y"))
    assert dlcv.compare([stopped, finished(tmp_path / "one")])[1].remarks == (
        "not finished",
        "other classes",
    )


def test_latest_is_no_second_run(tmp_path, caplog):
    finished(tmp_path / "runs" / "one")
    finished(tmp_path / "runs" / "two")
    (tmp_path / "runs" / "latest").symlink_to("two")
    (tmp_path / "runs" / "notes.txt").write_text("mine")
    rows = dlcv.compare(sorted((tmp_path / "runs").iterdir()))
    assert [row.run for row in rows] == ["random guessing", "one", "two"]
    assert caplog.messages == [f"left out: no such run: {tmp_path}/runs/notes.txt"]


def test_runs_of_one_name_are_told_by_their_paths(tmp_path):
    paths = [finished(tmp_path / folder / "one") for folder in "ab"]
    assert [row.run for row in dlcv.compare(paths)[1:]] == [str(path) for path in paths]


@pytest.mark.parametrize("paths", [[], ["missing"]])
def test_no_run_at_all_is_an_error(paths, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DlcvError, match=r"no run to compare|no such run: missing"):
        dlcv.compare(paths)


@pytest.mark.parametrize("damaged", ["metrics.json", "history.csv", "run.toml", "labels.json"])
def test_a_damaged_run_is_named_and_hides_no_other(tmp_path, caplog, damaged):
    path, whole = finished(tmp_path / "one"), finished(tmp_path / "two")
    (path / damaged).write_bytes(b"{\xff")
    assert [row.run for row in dlcv.compare([path, whole])[1:]] == ["two"]
    (message,) = caplog.messages
    assert message.startswith(f"left out: {path / damaged}")
    with pytest.raises(DlcvError, match=damaged):
        dlcv.compare([path])


def test_members_count_together(tmp_path):
    _, row = dlcv.compare([finished(tmp_path / "five", members=5, rows=[])])
    assert (row.parameters, row.best_accuracy) == (5 * 1234, None)


def test_options_of_a_plugin_are_compared_one_by_one():
    configs = [
        config(optimizer="sgd(learning_rate=0.1, momentum=0.9)", seed=1),
        config(optimizer="sgd(learning_rate=0.01, momentum=0.9)", seed=1),
    ]
    assert differing_settings(configs) == [
        {"optimizer.learning_rate": "0.1"},
        {"optimizer.learning_rate": "0.01"},
    ]


def test_other_plugins_are_told_with_their_options_and_steps_by_their_names():
    configs = [
        config(optimizer="sgd(learning_rate=0.1)", preprocessors="patch(size=32), mean"),
        config(optimizer="adam", preprocessors="mean"),
    ]
    assert differing_settings(configs) == [
        {"preprocessors": "patch, mean", "optimizer": "sgd(learning_rate=0.1)"},
        {"preprocessors": "mean", "optimizer": "adam"},
    ]
    steps = [config(preprocessors=f"patch(size={size}), mean") for size in (32, 64)]
    assert differing_settings(steps) == [{"patch.size": "32"}, {"patch.size": "64"}]


def test_what_decides_no_number_is_no_setting():
    configs = [config(threads=1), config(threads=2, tensorboard=True, evaluators="rank")]
    assert differing_settings(configs) == [{}, {}]


def test_a_plugin_that_only_some_runs_have_is_told_briefly():
    one = config(epochs=5, optimizer="sgd(learning_rate=0.1)")
    two = config(stages=(one.stages[0], one.stages[0]))
    _, second = differing_settings([one, two])
    assert second["stage2.optimizer"] == "sgd"
    three = config(stages=(one.stages[0], StageConfig(optimizer="sgd(learning_rate=0.2)")))
    assert differing_settings([one, two, three])[2]["stage2.optimizer"] == "sgd(learning_rate=0.2)"


def test_stages_are_numbered_where_there_are_several():
    one = config(epochs=5, batch_size=16)
    two = config(stages=(StageConfig(epochs=5), StageConfig(epochs=3)))
    first, second = differing_settings([one, two])
    assert first["stage1.batch_size"] == "16"
    assert second["stage1.batch_size"] == "32"
    assert "stage1.epochs" not in first
    assert (first["stage2.epochs"], second["stage2.epochs"]) == ("none", "3")


def test_networks_are_told_by_what_differs():
    specs = ("resnet(stages=(3, 3), width=1)", "resnet(stages=(9, 9), width=1)", "lenet(width=2)")
    assert networks([config(architecture=spec) for spec in specs]) == [
        "resnet(stages=(3, 3))",
        "resnet(stages=(9, 9))",
        "lenet",
    ]


def test_table_holds_everything(tmp_path):
    rows = dlcv.compare(
        [
            finished(tmp_path / "one", intervals={"rank1": (0.6, 0.8)}, seed=1),
            write_run(tmp_path / "stopped, for now", label_names=NAMES, seed=2),
        ]
    )
    write_table(tmp_path / "new" / "runs.csv", rows)
    with open(tmp_path / "new" / "runs.csv", newline="") as file:
        guessing, one, stopped = csv.DictReader(file)
    assert (guessing["run"], guessing["rank1"], guessing["seed"]) == ("random guessing", "0.25", "")
    assert (one["rank1"], one["rank1_low"], one["rank1_high"]) == ("0.7", "0.6", "0.8")
    assert (one["seed"], one["best_epoch"], one["parameters"]) == ("1", "2", "1234")
    assert (stopped["run"], stopped["remarks"]) == ("stopped, for now", "not finished")


def test_picture_holds_a_line_a_run(tmp_path, caplog):
    rows = dlcv.compare([finished(tmp_path / name) for name in ("one", "two")])
    draw_curves(tmp_path / "curves.png", rows)
    assert cv2.imread(str(tmp_path / "curves.png")).shape[2] == 3
    fitted = dlcv.compare([finished(tmp_path / "fitted", rows=[]), tmp_path / "one"])
    with caplog.at_level("INFO"):
        draw_curves(tmp_path / "one.png", fitted)
    assert caplog.messages == ["no curves of fitted: no epochs of its own"]
    with pytest.raises(DlcvError, match="no curves to draw"):
        draw_curves(tmp_path / "none.png", dlcv.compare([tmp_path / "fitted"]))
    assert not (tmp_path / "none.png").exists()


def test_comparing_imports_no_keras(tmp_path):
    finished(tmp_path / "one")
    program = (
        "import json, sys, dlcv\n"
        "rows = dlcv.compare('one')\n"
        "print(json.dumps([len(rows), sorted({'keras', 'tensorflow', 'jax'} & set(sys.modules))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [2, []]


def compare(folder, *arguments):
    return forked.dlcv("compare", *arguments, folder=folder)


def test_command_prints_one_table(tmp_path):
    finished(tmp_path / "one", intervals={"rank1": (0.6, 0.8)}, seed=1)
    write_run(tmp_path / "two", label_names=NAMES, seed=2, parameters=None)
    done = compare(tmp_path, "one", "two", "--csv", "runs.csv", "--picture", "curves.png")
    assert done.stderr == ""
    assert done.stdout == (
        "run              network  seed  best (epoch)  last (epoch)  test     95 % interval   "
        "rank5     parameters  time  remarks\n"
        "random guessing                 25.00 %       25.00 %       25.00 %                  "
        "100.00 %\n"
        "one              lenet    1     75.00 % (2)   70.00 % (3)   70.00 %  60.0 to 80.0 %  "
        "90.00 %   1,234       6 s\n"
        "two              lenet    2     75.00 % (2)   70.00 % (3)                            "
        "                      6 s   not finished\n"
        "\n"
        "table     runs.csv\n"
        "picture   curves.png\n"
        "combine   dlcv evaluate RUN RUN ...\n"
        "look at   RUN/report.html\n"
    )


def test_command_divides_a_wide_table(tmp_path):
    for name, loss in (("one", "categorical_crossentropy"), ("two", "mean_squared_error")):
        steps = (
            "aspect_aware, patch, flip, affine, color, noise, scale" if name == "one" else "scale"
        )
        finished(tmp_path / name, loss=loss, preprocessors=steps, batch_size=len(steps))
    results, settings, _ = compare(tmp_path, "one", "two").stdout.split("\n\n")
    assert "70.00 %" in results
    assert "aspect_aware" not in results
    assert settings.splitlines()[0].split() == ["run", "preprocessors", "batch_size", "loss"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing"], "dlcv: no such run: missing\n"),
        (["one", "--picture", "a.txt"], "dlcv: a.txt: pictures are written as"),
        (["one", "--csv", "kept.csv"], "dlcv: kept.csv exists already"),
    ],
)
def test_command_refuses_in_one_line(tmp_path, arguments, message):
    finished(tmp_path / "one")
    (tmp_path / "kept.csv").write_text("kept")
    done = compare(tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "kept.csv").read_text() == "kept"


def test_the_best_epoch_is_the_one_with_the_lowest_validation_loss(tmp_path):
    rows = history((0.5, 0.8, 0.7), val_loss=[0.9, 0.6, 0.4])
    _, row = dlcv.compare([write_run(tmp_path / "run", rows=rows)])
    assert (row.best_accuracy, row.best_epoch) == (0.7, 3)
    rows = history((0.5, 0.8, 0.7), val_loss=[math.nan, 0.6, 0.7])
    _, row = dlcv.compare([write_run(tmp_path / "lost", rows=rows)])
    assert row.best_epoch == 2


def test_images_that_were_validated_with_are_not_called_held_out(tmp_path):
    same = {**FINGERPRINTS, "val": FINGERPRINTS["test"]}
    runs = [
        write_run(tmp_path / name, metrics={"rank1": 0.5}, fingerprints=fingerprints)
        for name, fingerprints in (("one", FINGERPRINTS), ("two", same))
    ]
    _, one, two = dlcv.compare(runs)
    assert (one.remarks, two.remarks) == ((), ("tested on validation images",))
