"""`dlcv evaluate`: figures with intervals, pictures, and predictions that are made once."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from fake_packages import run_python
from matplotlib.image import imread

import dlcv
from dlcv.cli.evaluate import evaluate
from dlcv.errors import DlcvError, SpecError
from dlcv_plugins.evaluators.intervals import wilson

DRAWN = "confusion, calibration"
COMMAND = """
import contextlib, sys
from dlcv.__main__ import main

with contextlib.suppress(SystemExit):
    main()
print(sorted({"keras", "tensorflow", "jax", "torch"} & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dlcv.Run:
    return dlcv.run(
        data="digits", architecture="mlp(units=4)", preprocessors="scale", epochs=1,
        threads=1, runs=tmp_path_factory.mktemp("runs"),
    )  # fmt: skip


@pytest.fixture
def run(trained: dlcv.Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.path, tmp_path / "run"))


def evaluated(*arguments: str | Path) -> Result:
    return CliRunner().invoke(evaluate, [*map(str, arguments)])


def refusal(*arguments: str | Path) -> str:
    result = evaluated(*arguments)
    assert isinstance(result.exception, DlcvError), result.exception
    return str(result.exception)


class TestFigures:
    def test_accuracies_come_in_percent_with_their_intervals(self, run: Path) -> None:
        shown = evaluated(run)
        accuracy = dlcv.load(run).metrics["rank1"]
        low, high = wilson(round(accuracy * 359), 359)
        expected = f"rank1 +{100 * accuracy:.2f} % +{100 * low:.1f} to {100 * high:.1f} %"
        assert "359 images" in shown.stdout
        assert re.search(expected, shown.stdout)
        # 37 of the 359 images held out show the most frequent digit.
        assert "largest_class  10.31 %\n" in shown.stdout
        assert re.search(r"\nprecision +\d+\.\d\d %\n", shown.stdout)

    def test_json_holds_intervals_and_pictures(self, run: Path) -> None:
        found = json.loads(evaluated(run, "--eval", f"rank, {DRAWN}", "--json").stdout)
        low, high = found["intervals"]["rank1"]
        assert low < found["metrics"]["rank1"] < high
        assert found["pictures"]["reliability"] == str(run / "evaluation" / "reliability.png")

    def test_a_network_that_learned_nothing_is_said_to_be_in_doubt(self, run: Path) -> None:
        with np.load(run / "predictions.npz") as archive:
            arrays = dict(archive)
        arrays["probabilities"] = np.tile(np.eye(10, dtype=np.float32)[3], (1, 359, 1))
        np.savez(run / "predictions.npz", **arrays)
        shown = evaluated(run, "--eval", "rank")
        assert "note: always predicting the largest class scores 10.31 %" in shown.stdout
        assert "note:" not in evaluated(run, "--eval", "calibration").stdout

    def test_what_to_look_at_next_is_about_the_same_images(self, run: Path) -> None:
        shown = evaluated(run, "--split", "val", "--eval", "rank")
        wanted = f"dlcv evaluate {run} --split val --eval"
        assert shown.stdout.splitlines()[-1] == f'more  {wanted} "{DRAWN}, worst_mistakes"'


class TestPictures:
    def test_they_are_in_the_run_and_named(self, run: Path) -> None:
        for _ in range(2):
            shown = evaluated(run, "--eval", DRAWN)
            paths = [run / "evaluation" / name for name in ("confusion.png", "reliability.png")]
            assert shown.stdout.endswith(f"look at  {paths[0]}\n         {paths[1]}\n")
        assert sorted((run / "evaluation").iterdir()) == paths
        assert imread(paths[0]).shape[2] == 4

    def test_another_folder_keeps_what_it_holds(self, run: Path, tmp_path: Path) -> None:
        arguments = (run, "--eval", "confusion", "--save-to", tmp_path / "new" / "pictures")
        assert evaluated(*arguments).exit_code == 0
        assert (tmp_path / "new" / "pictures" / "confusion.png").exists()
        assert not (run / "evaluation").exists()
        assert "confusion.png exists already" in refusal(*arguments)
        assert evaluated(*arguments, "--force").exit_code == 0

    def test_a_file_is_no_folder_for_them(self, run: Path) -> None:
        assert "run.toml is no folder" in refusal(run, "--save-to", run / "run.toml")

    def test_several_runs_draw_where_they_are_told(self, run: Path, tmp_path: Path) -> None:
        other = shutil.copytree(run, tmp_path / "other")
        shown = evaluated(run, other, "--eval", DRAWN)
        told = "pictures of confusion, reliability are drawn with --save-to FOLDER"
        assert told in shown.stdout
        assert not (run / "evaluation").exists()
        shown = evaluated(run, other, "--eval", DRAWN, "--save-to", tmp_path / "both")
        assert str(tmp_path / "both" / "confusion.png") in shown.stdout

    @pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
    def test_a_run_that_may_only_be_read_is_evaluated(self, run: Path) -> None:
        run.chmod(0o555)
        shown = evaluated(run, "--eval", DRAWN)
        run.chmod(0o755)
        assert shown.exit_code == 0
        assert "name a folder with --save-to" in shown.stderr

    def test_where_no_folder_can_be_the_figures_are_told(self, run: Path) -> None:
        (run / "evaluation").write_text("in the way")
        shown = evaluated(run, "--eval", DRAWN)
        assert shown.exit_code == 0
        assert "expected_calibration_error" in shown.stdout
        assert "no pictures: " in shown.stderr


class TestKeptPredictions:
    """Predictions for other data are made once; they are as they would be if made again."""

    def figures(self, *arguments: str | Path) -> dict[str, float]:
        return json.loads(evaluated(*arguments, "--eval", "rank", "--json").stdout)["metrics"]

    def files(self, run: Path) -> list[Path]:
        return sorted((run / "predictions").iterdir())

    def test_a_second_evaluation_loads_no_network(self, run: Path) -> None:
        first = evaluated(run, "--data", "digits", "--eval", "rank(k=3)")
        command = ("evaluate", str(run), "--data", "digits", "--eval", f"rank(k=3), {DRAWN}")
        again = run_python(run, "-c", COMMAND, *command)
        rank3 = [re.findall(r"rank3 +(\S+) %  (.*)", shown.stdout) for shown in (first, again)]
        assert rank3[0]
        assert rank3[0] == rank3[1]
        assert "look at" in again.stdout
        assert again.stdout.splitlines()[-1] == "[]", again.stderr

    def test_a_damaged_file_is_made_anew(self, run: Path) -> None:
        first = self.figures(run, "--data", "digits")
        (kept,) = self.files(run)
        whole = kept.read_bytes()
        for damaged in (whole[:-100], b"", whole[: len(whole) // 2] + b"\0" * 500):
            kept.write_bytes(damaged)
            assert self.figures(run, "--data", "digits") == first
            assert self.files(run) == [kept]
            with np.load(kept) as archive:
                assert archive["probabilities"].shape == (1, 1797, 10)

    def test_other_data_steps_and_weights_have_predictions_of_their_own(self, run: Path) -> None:
        commands = [
            ("--data", "digits"),
            ("--split", "val"),
            ("--data", "digits", "--preproc", "flip"),
            ("--data", "digits", "--checkpoint", "1"),
        ]
        for count, command in enumerate(commands, start=1):
            for _ in range(2):
                evaluated(run, *command)
            assert len(self.files(run)) == count, command

    def test_changed_images_are_predicted_again(self, run: Path, tmp_path: Path) -> None:
        import cv2

        digits = np.load(run / "predictions.npz")["labels"][:2]
        for label in {int(d) for d in digits}:
            (tmp_path / "data" / str(label)).mkdir(parents=True)
        images = [tmp_path / "data" / str(d) / f"{i}.png" for i, d in enumerate(digits)]
        for image in images:
            cv2.imwrite(str(image), np.full((8, 8), 9, np.uint8))
        data = f'folder(path="{tmp_path}/data", color_mode=grayscale)'
        self.figures(run, "--data", data)
        (first,) = self.files(run)
        cv2.imwrite(str(images[0]), np.full((8, 8), 200, np.uint8))
        self.figures(run, "--data", data)
        assert len(self.files(run)) == 2
        second = next(path for path in self.files(run) if path != first)
        before, after = (np.load(path)["probabilities"] for path in (first, second))
        assert (before != after).any()

    def test_corrected_labels_are_not_those_of_before(self, run: Path, tmp_path: Path) -> None:
        import cv2

        # Two files of one class each: the codes of labels and the images stay the same.
        cv2.imwrite(str(tmp_path / "a.png"), np.full((8, 8), 9, np.uint8))
        rank1 = []
        data = f'csv(path="{tmp_path}/t.csv", color_mode=grayscale)'
        for label in map(str, range(10)):
            (tmp_path / "t.csv").write_text(f"file,label\na.png,{label}\n")
            rank1.append(self.figures(run, "--data", data)["rank1"])
        assert sorted(rank1) == [0.0] * 9 + [1.0]


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--eval", "rank(k=11)"), "rank: k is 11, but there are only 10 classes"),
            (("--eval", "binary_scores"), "it takes two classes, and there are 10; use rank"),
            (("--eval", "ensemble"), "of one network, and it takes several; name several runs"),
            (("--split", "nope"), 'no split "nope"; it has train, val, test'),
            (("--data", "digits", "--split", "val"), 'no split "val" of labelled images; it has'),
        ],
    )
    def test_what_does_not_fit_is_named(self, run: Path, arguments, message: str) -> None:
        assert message in refusal(run, *arguments)

    @pytest.mark.parametrize(("name", "meant"), [("calibratoin", "calibration"), ("rnk", "rank")])
    def test_unknown_evaluators_are_suggested(self, run: Path, name: str, meant: str) -> None:
        result = evaluated(run, "--eval", name)
        assert isinstance(result.exception, SpecError)
        assert f'did you mean "{meant}"?' in str(result.exception)

    def test_classes_that_the_model_does_not_know_are_named(self, run: Path, photos) -> None:
        folder = photos(("3", "eleven", "twelve"), count=1)
        data = f'folder(path="{folder}", color_mode=grayscale)'
        assert "does not know the classes eleven, twelve of the data" in refusal(
            run, "--data", data
        )

    def test_a_split_without_labels_is_refused(self, run: Path, photos) -> None:
        folder = photos(("3", "5"), count=2, name="data/train")
        shutil.copytree(folder / "3", folder.parent / "test")
        data = f'folder(path="{folder.parent}", color_mode=grayscale)'
        message = refusal(run, "--data", data, "--split", "test")
        assert 'no split "test" of labelled images; it has train' in message
