"""`dlcv report` through real processes."""

import forked
import pytest
from written_runs import predicted, write_run

from dlcv.evaluation.predict import save_predictions


def report(folder, *arguments):
    return forked.dlcv("report", *arguments, folder=folder)


def test_it_writes_the_page_again_and_says_where(tmp_path):
    path = write_run(tmp_path / "run", predictions=predicted([True, False], "12"))
    (path / "report.html").write_text("old")
    done = report(tmp_path, "run")
    assert done.returncode == 0
    assert done.stdout.startswith("look at  run/report.html (0.")
    assert done.stderr == ("warning: the report lacks 3 pictures: no such folder: gone\n")
    assert "<h1>run</h1>" in (path / "report.html").read_text()
    assert sorted(p.name for p in path.iterdir() if p.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "dlcv: no such run: missing\n"),
        ("stopped", "is not finished; continue with: dlcv resume"),
        ("damaged", "history.csv is damaged"),
    ],
)
def test_what_has_no_report_is_refused_in_one_line(tmp_path, name, message):
    write_run(tmp_path / "stopped")
    damaged = write_run(tmp_path / "damaged", predictions=predicted([True, False], "12"))
    (damaged / "history.csv").write_text("stage,epoch\n1,x\n")
    done = report(tmp_path, name)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / name / "report.html").exists()


def test_predictions_that_changed_are_reported(tmp_path):
    path = write_run(tmp_path / "run", predictions=predicted([True, False], "12"))
    better = predicted([True, True], "12")
    save_predictions(path / "predictions.npz", better)
    assert report(tmp_path, "run").returncode == 0
    assert "100.00 %</b>accuracy on 2 images" in (path / "report.html").read_text()


def test_sections_may_be_chosen(tmp_path):
    path = write_run(tmp_path / "run", predictions=predicted([True, False], "12"))
    assert report(tmp_path, "run", "--sections", "per_class, headline").returncode == 0
    page = (path / "report.html").read_text()
    assert 0 < page.index('id="per_class"') < page.index("guessing the largest class")
    assert 'id="training_curves"' not in page
    wrong = report(tmp_path, "run", "--sections", "per_clas")
    assert "per_clas of an unknown package: unknown section" in wrong.stderr
    assert 'did you mean "per_class"?' in wrong.stderr
