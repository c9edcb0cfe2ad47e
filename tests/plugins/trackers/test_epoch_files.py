"""The files that trackers write after each epoch."""

import csv
import json

import pytest

import dlcv


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return dlcv.run(
        data="digits(size=8)", architecture="mlp(units=6)", fraction=0.2, threads=1, epochs=2,
        trackers="confusion, json_history", runs=tmp_path_factory.mktemp("runs"), name="run",
    )  # fmt: skip


def test_the_matrix_of_each_epoch_is_that_of_its_validation(run):
    for epoch, row in enumerate(run.history, start=1):
        path = run.path / "confusion" / f"epoch_{epoch:04d}.csv"
        (_, *names), *rows = csv.reader(path.open())
        counts = [[int(count) for count in cells] for _, *cells in rows]
        assert names == [name for name, *_ in rows] == list(run.label_names)
        right = sum(counts[label][label] for label in range(10))
        assert right / sum(map(sum, counts)) == pytest.approx(row["val_accuracy"])
        assert path.with_suffix(".png").stat().st_size > 1000


def test_the_json_history_has_a_list_of_all_epochs_for_each_figure(run):
    found = json.loads((run.path / "history.json").read_text())
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= found.keys()
    rows = [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]
    assert rows == run.history
