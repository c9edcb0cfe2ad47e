"""`dlcv lr-search`, from Python and through real processes."""

import functools
import math
import os
import re
import shlex
import signal
import subprocess
import sys

import cv2
import forked
import keras
import numpy as np
import pytest

import dlcv
from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.interfaces import Architecture, plugin
from dlcv_plugins.commands.lr_search.command import _next

SMALL = {
    "architecture": "mlp(units=8)",
    "optimizer": "sgd",
    "preprocessors": "scale",
    "input_size": 8,
    "batch_size": 4,
    "threads": 1,
}
FLAGS = [
    "--arch", "mlp(units=8)", "--optimizer", "sgd", "--preproc", "scale",
    "--input-size", "8", "--batch-size", "4", "--threads", "1",
]  # fmt: skip
TELLING_EACH_STEP = """
from dlcv import __main__, progress
progress.SECONDS_BETWEEN_LINES = 0.0
__main__.main()
"""


@pytest.fixture
def command(tmp_path):
    return functools.partial(forked.dlcv, "lr-search", folder=tmp_path)


def test_rates_are_tried_until_one_is_usable(photos):
    data = str(photos(size=(8, 8)))
    found = dlcv.search_learning_rate(data=data, highest=1e3, lowest=0.1, epochs=3, **SMALL)

    assert found.even_guess == pytest.approx(math.log(3), rel=1e-5)
    assert [t.rate for t in found.tries] == pytest.approx(
        [10.0 ** (3 - i) for i in range(len(found.tries))]
    )
    assert all(t.refusal for t in found.tries[:-1])
    assert len(found.tries) > 1
    assert found.suggestion == found.tries[-1].rate
    assert found.stopped_by == 0


@plugin
class Small(Architecture):
    """A dense layer with what a network may remember: moving averages, and random numbers."""

    default_size = 8

    def features(self, x):
        x = keras.layers.Flatten(name="flat")(x)
        x = keras.layers.BatchNormalization(name="bn")(x)
        return keras.layers.Dropout(0.5, name="dropout")(x)

    def classify(self, x, classes):
        return keras.layers.Dense(classes, "softmax", name="predictions")(x)


def test_each_try_starts_from_the_same_weights(photos):
    """The second try of a search is the first of another that begins there, bit for bit."""
    options = {"data": str(photos(size=(8, 8))), "epochs": 2, **SMALL}
    # Adam remembers too.
    options.update(architecture="small", optimizer="adam")

    with registry.register("architecture", "small", Small):
        after_another = dlcv.search_learning_rate(highest=1e-3, lowest=1e-4, **options)
        alone = dlcv.search_learning_rate(highest=1e-4, lowest=1e-4, **options)

    assert after_another.tries[1] == alone.tries[0]
    assert after_another.tries[0].losses != alone.tries[0].losses


@pytest.mark.parametrize(
    "changes",
    [
        {},
        # Dropout in a body that is frozen drops nothing.
        {"architecture": "gap_head(base=minivggnet(width=0.1))", "trainable": "head"},
    ],
    ids=["all", "head"],
)
def test_losses_are_those_of_a_run(photos, tmp_path, changes):
    options = {"data": str(photos(size=(8, 8))), "epochs": 2, **SMALL, **changes}
    run = dlcv.run(
        learning_rate=0.01, schedule="constant", runs=tmp_path / "runs",
        **options,
    )  # fmt: skip

    (tried,) = dlcv.search_learning_rate(highest=0.01, lowest=0.01, **options).tries

    assert tried.losses == pytest.approx([row["loss"] for row in run.history], rel=1e-5)
    assert tried.val_losses == pytest.approx([row["val_loss"] for row in run.history], rel=1e-5)


def test_range_test_follows_its_rates_and_ends_when_the_loss_diverges(photos):
    found = dlcv.search_learning_rate(
        data=str(photos(size=(8, 8))), method="range", highest=1e30, lowest=1e-4, steps=69, **SMALL
    )

    assert found.rates == pytest.approx(1e-4 * 10 ** (np.arange(len(found.rates)) / 2), rel=1e-4)
    assert found.diverged
    assert len(found.rates) < 69


def test_rates_that_are_too_low_lead_to_no_suggestion(photos):
    data = str(photos(size=(8, 8)))
    found = dlcv.search_learning_rate(data=data, highest=1e-9, lowest=1e-9, epochs=2, **SMALL)
    assert found.suggestion is None
    test = dlcv.search_learning_rate(
        data=data, method="range", highest=1e-8, lowest=1e-9, steps=20, **SMALL
    )
    assert test.suggestion is None
    assert not test.diverged


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"highest": 0.001, "lowest": 0.1}, "the highest rate, 0.001, is below the lowest, 0.1"),
        ({"lowest": 0.5}, "the highest rate, 0.1, is below the lowest, 0.5"),
        ({"lowest": 0.0}, "lowest: expected a learning rate > 0, received 0"),
        ({"epochs": 0}, "epochs: expected at least 1, received 0"),
        ({"steps": 19}, "steps: expected at least 20, received 19"),
        ({"method": "guess"}, 'method: expected "steps" or "range", received "guess"'),
        ({"batch_size": 64}, "training images, which do not fill a batch of 64; choose a smaller"),
        ({"optimizer": "sdg"}, 'unknown optimizer "sdg"'),
        ({"architecture": "mpl"}, 'did you mean "mlp"'),
    ],
)
def test_mistake_is_named(photos, options, message):
    with pytest.raises(DlcvError) as caught:
        dlcv.search_learning_rate(data=str(photos(size=(8, 8))), **{**SMALL, **options})
    assert message in str(caught.value)


def test_command_prints_what_was_tried_and_how_to_train(command, photos, tmp_path):
    data = str(photos(size=(8, 8)))
    done = command("--data", data, *FLAGS, "--highest", "1e5", "--lowest", "1", "--epochs", "2",
                   "--out", "new/rates.png", "--quiet")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "tensorflow" not in done.stderr  # It warns of networks that are compiled anew.
    head, first = done.stdout.splitlines()[:2]
    assert re.split("  +", head.strip()) == [
        "rate", "epochs", "first loss", "last loss", "validation loss", "verdict"
    ]  # fmt: skip
    assert first.split()[0] == "100000"
    assert "the loss" in first
    assert "picture     new/rates.png" in done.stdout
    assert cv2.imread(str(tmp_path / "new" / "rates.png")) is not None


def test_command_that_it_ends_with_trains(command, photos, tmp_path):
    data = str(photos(size=(8, 8)))
    done = command("--data", data, *FLAGS, "--method", "range", "--steps", "60", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "lowest" in done.stdout
    assert (tmp_path / "learning-rate.png").exists()
    rate = re.search(r"suggestion  (\S+), a third of the rate", done.stdout).group(1)
    (train,) = re.findall(r"^train +dlcv (.*)$", done.stdout, re.MULTILINE)
    assert train.endswith(f"--learning-rate {rate}")
    options = ("--epochs", "1", "--name", "next", "--quiet")
    trained = forked.dlcv(*shlex.split(train), *options, folder=tmp_path, has_pictures=False)
    assert trained.returncode == 0, trained.stderr
    run = dlcv.load(tmp_path / "runs" / "next")
    assert run.config.stages[0].optimizer.options["learning_rate"] == float(rate)
    assert run.config.batch_size == 4


def test_what_comes_next_is_training_on_all_images():
    options = {"data": "my photos", "architecture": "lenet", "fraction": 0.1, "seed": None}
    expected = "dlcv run --data 'my photos' --arch lenet --learning-rate 0.01"
    assert _next(None, options, 0.01).split(maxsplit=1) == ["train", expected]


def test_command_replaces_no_picture_and_refuses_mistakes_before_it_trains(
    command, photos, tmp_path
):
    (tmp_path / "learning-rate.png").write_text("mine")
    done = command(*FLAGS)
    assert done.returncode == 2
    assert "learning-rate.png exists already" in done.stderr
    done = command(*FLAGS, "--out", "rates.txt")
    assert done.returncode == 2
    assert "rates.txt: pictures are written as" in done.stderr
    done = command(*FLAGS, "--out", "new.png", "--highest", "1e-5")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("dlcv: the highest rate, 1e-05, is below")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["learning-rate.png"]


@pytest.mark.parametrize("method", [pytest.param("steps", marks=pytest.mark.slow), "range"])
def test_ctrl_c_ends_with_what_is_known(photos, tmp_path, method):
    limits = ["--highest", "0.01", "--lowest", "0.001", "--epochs", "100000", "--steps", "1000000"]
    process = subprocess.Popen(
        [sys.executable, "-c", TELLING_EACH_STEP, "lr-search", "--data", str(photos(size=(8, 8))),
         *FLAGS, "--method", method, *limits],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    for line in process.stderr:
        if " of 1000000, " in line or "rate 0.01: " in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopped     " in out
    assert "Traceback" not in err
    if method == "range":
        assert (tmp_path / "learning-rate.png").exists()
        assert "stopped     this is what is known so far" in out
    else:
        assert "suggestion  none so far" in out
