"""What a notebook shows of a run."""

import re

from written_runs import write_run

import dlcv


def test_figures_curves_and_the_report_are_shown_escaped(tmp_path):
    path = write_run(
        tmp_path / "<b>run",
        metrics={"rank1": 0.75, "f1": 0.5},
        intervals={"rank1": (0.5, 0.9)},
    )
    (path / "curves.png").write_bytes(b"picture")
    (path / "report.html").write_text("page")

    shown = dlcv.load(path)._repr_html_()

    assert re.search("<td>rank1</td><td>[0-9.% ]+</td><td>[0-9.% to]+</td>", shown)
    assert "<td>f1</td><td>50.00 %</td><td></td>" in shown
    assert 'src="data:image/png;base64,cGljdHVyZQ=="' in shown
    assert "&lt;b&gt;run/report.html" in shown
    assert "<b>run" not in shown


def test_an_unfinished_run_is_shown_as_such(tmp_path):
    shown = dlcv.load(write_run(tmp_path / "begun"))._repr_html_()
    assert "not finished" in shown
    assert "<table>" not in shown
