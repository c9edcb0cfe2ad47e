"""Every run is in the log, from its start to its result."""

import json

import dlcv


def test_a_run_is_in_the_log(dlcv_photos, tmp_path):
    """One line for the start, each epoch, and the end; the figures are the run's."""
    run = dlcv.run(
        data=str(dlcv_photos), architecture="shallownet(width=0.1)", epochs=2, runs=tmp_path,
        name="tracked",
    )  # fmt: skip
    lines = (tmp_path / "experiments.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["event"] for row in rows] == ["started", "epoch", "epoch", "finished"]
    assert {row["run"] for row in rows} == {"tracked"}
    assert rows[0]["seed"] == run.config.seed
    assert [row["val_loss"] for row in rows[1:3]] == [row["val_loss"] for row in run.history]
    assert rows[3]["rank1"] == run.metrics["rank1"]
