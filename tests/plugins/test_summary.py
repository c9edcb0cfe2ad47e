"""What `dlcv run` prints about the figures of a finished run."""

from dlcv_plugins.summary import dlcv_summary

USUAL = {
    "rank1": 0.5,
    "rank5": 1.0,
    "largest_class": 0.5,
    "precision": 0.4,
    "recall": 0.5,
    "f1": 0.44,
}


def lines(metrics, units=None):
    found = {
        "metrics": metrics,
        "intervals": {},
        "units": units or {},
        "tables": {},
        "notes": [],
        "images": 40,
        "split": "test",
    }
    return dlcv_summary(found, {"data": {"fingerprints": {"val": "a", "test": "b"}}}).splitlines()


def test_figures_that_were_asked_for_besides_are_printed():
    printed = lines({**USUAL, "roc_auc": 0.9625, "threshold_accuracy": 0.925},
                    {"rank1": "%", "threshold_accuracy": "%"})  # fmt: skip
    assert printed[0] == "accuracy  50.00 % on the 40 held-out images of test (rank-5: 100.00 %)"
    assert ["roc_auc", "0.9625"] in [line.split() for line in printed]
    assert ["threshold_accuracy", "92.50", "%"] in [line.split() for line in printed]
    assert not [line for line in printed if line.startswith(("precision", "rank1", "f1"))]


def test_the_usual_figures_have_no_table_of_their_own():
    assert not [line for line in lines(USUAL) if line.startswith("metric")]


def test_figures_without_an_accuracy_are_in_the_first_line():
    assert lines({"hits": 0.5}) == ["accuracy  hits 0.5000"]
