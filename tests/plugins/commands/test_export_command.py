"""`dlcv export` through real processes, and what can be done with what it writes."""

import json

import cv2
import forked
import numpy as np
import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a run on digits."""
    folder = tmp_path_factory.mktemp("cli")
    done = forked.dlcv(
        "run", "--arch", "shallownet", "--epochs", "1", "--fraction", "0.2", "--name", "digits",
        folder=folder, has_pictures=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_an_exported_model_is_evaluated_and_predicts(folder):
    done = forked.dlcv("export", "runs/digits", "--format", "saved_model", folder=folder)
    assert done.returncode == 0, done.stderr
    exported = "exported/digits-saved_model"
    assert f"exported    {exported}" in done.stdout
    assert "have the same top class" in done.stdout
    assert done.stdout.endswith(f"evaluate    dlcv evaluate {exported}\n")
    assert sorted(path.name for path in (folder / exported).iterdir()) == [
        "model.json",
        "saved_model",
    ]

    again = forked.dlcv("export", "runs/digits", "--format", "saved_model", folder=folder)
    assert again.returncode == 2
    assert "exists already; choose another name, or replace it with --force" in again.stderr

    figures = [
        json.loads(forked.dlcv("evaluate", model, "--json", folder=folder).stdout)["metrics"]
        for model in (exported, "runs/digits")
    ]
    assert figures[0] == pytest.approx(figures[1], abs=1e-6)

    image = np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8)
    cv2.imwrite(str(folder / "one.png"), image)
    told = [
        forked.dlcv("predict", model, "one.png", "--json", folder=folder).stdout
        for model in (exported, "runs/digits")
    ]
    assert json.loads(told[0])[0]["classes"][0]["label"] in "0123456789"
    classes = [json.loads(text)[0]["classes"][0] for text in told]
    assert classes[0]["label"] == classes[1]["label"]
    assert classes[0]["probability"] == pytest.approx(classes[1]["probability"], abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("runs/none", "--format", "saved_model"), "no such run: runs/none"),
        (("runs/digits", "--format", "pickle"), 'unknown exporter "pickle"'),
        (("runs/digits",), "Missing option '--format'"),
        (
            ("runs/digits", "--format", "saved_model", "--checkpoint", "7", "--out", "seven"),
            "holds no checkpoint of epoch 7",
        ),
        (("runs/digits", "--format", "saved_model", "--out", "one.png/model"), "one.png"),
    ],
)
def test_what_can_not_be_exported_is_refused(folder, arguments, reason):
    (folder / "one.png").touch()
    before = sorted(folder.rglob("*"))
    done = forked.dlcv("export", *arguments, folder=folder)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(folder.rglob("*")) == before
