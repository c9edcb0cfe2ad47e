"""A run's configuration: TOML in and out without loss, mistakes named with file and place."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcv.config import RunConfig, SplitConfig, StageConfig, read_toml
from dlcv.errors import DlcvError
from dlcv.interfaces import options_of
from dlcv.registry.spec import Spec, SpecList

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
specs = st.builds(
    Spec,
    st.sampled_from(["resnet", "acme_vision.net", "größe"]),
    st.dictionaries(
        st.sampled_from(["size", "label", "base"]),
        texts | st.integers() | st.tuples(st.floats(0, 1)) | st.just(Spec("vgg16", {"x": None})),
    ),
)
spec_lists = st.lists(specs, max_size=3).map(SpecList)
positive = st.integers(1, 10**6)
shares = st.floats(0, 1, exclude_min=True) | positive
splits = st.builds(
    SplitConfig,
    test=st.none() | st.just(0) | shares,
    validation=st.none() | shares,
    train_validation=st.none() | shares,
    method=st.sampled_from(["stratified", "last"]),
    seed=st.integers(0, 2**32 - 1),
)
stages = st.builds(
    StageConfig,
    epochs=positive,
    stop_after=st.none() | positive,
    batch_size=st.none() | positive,
    optimizer=specs,
    schedule=specs,
    loss=specs,
    trainable=texts,
    early_stopping=st.none() | positive,
    early_stopping_weights=st.sampled_from(["best", "last"]),
    class_weights=st.sampled_from(["none", "balanced"]),
)
configs = st.builds(
    RunConfig,
    data=texts,
    preprocessors=spec_lists,
    architecture=specs,
    input_size=st.none() | positive | st.tuples(positive, positive),
    evaluators=spec_lists,
    batch_size=positive,
    threads=st.none() | positive,
    precision=st.sampled_from(["float32", "mixed_bfloat16"]),
    initial_weights=st.none() | st.just(Path("runs/größe/w.keras")),
    jit_compile=st.sampled_from(["auto", "on", "off"]),
    split=splits,
    stages=st.lists(stages, min_size=1, max_size=3).map(tuple),
)


@given(configs)
def test_what_is_written_reads_back_to_itself(
    tmp_path_factory: pytest.TempPathFactory, config: RunConfig
) -> None:
    path = tmp_path_factory.getbasetemp() / "run.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    read = RunConfig.load(path)
    assert read == config
    # 10 images and a share of 10.0 are not the same, though equal.
    assert type(read.split.test) is type(config.split.test)
    assert read.to_toml() == config.to_toml()


def test_an_option_that_is_none_is_left_out() -> None:
    written = RunConfig(threads=None, input_size=(3, 4)).to_toml()
    assert "threads" not in written
    assert "input_size = [\n    3,\n    4,\n]" in written


def test_what_the_file_leaves_out_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('preprocessors = ["mean", "patch(size=3)"]\n[[stages]]\nepochs = 3\n')
    config = RunConfig.load(path)
    assert config.stages == (StageConfig(epochs=3),)
    assert str(config.preprocessors) == "mean, patch(size=3)"
    assert config.seed == RunConfig().seed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('archtecture = "x"', ': unknown key "archtecture"; did you mean "architecture"?'),
        ("[split]\ntset = 0.1", ': split: unknown key "tset"; did you mean "test"?'),
        (
            "[[stages]]\nepochs = 1\n[[stages]]\nepoch = 2",
            ': stages[1]: unknown key "epoch"; did you mean "epochs"?',
        ),
        ("zzz = 1", ': unknown key "zzz"'),
        ('batch_size = "32"', ': batch_size: expected int >= 1, received "32"'),
        ("batch_size = 3.7", ": batch_size: expected int >= 1, received 3.7"),
        ("batch_size = true", ": batch_size: expected int >= 1, received True"),
        ("seed = -1", ": seed: expected int >= 0, < 4294967296, received -1"),
        ("seed = 1979-05-27", ": seed: expected int >= 0, < 4294967296, received 1979-05-27"),
        ("[split]\ntest = nan", ": split: test: expected float or int or None >= 0, received nan"),
        ("[[stages]]\nepochs = 0", ": stages[0]: epochs: expected int >= 1, received 0"),
        ('precision = "half"', ": precision: expected float32 or mixed_bfloat16 or mixed_float16"),
        ('input_size = "8x8"', ": input_size: expected int or (int, int) or None >= 1, received"),
        ("split = 3", ": split: expected a table, received 3"),
        ("stages = 3", ": stages: expected a list of tables, received 3"),
        ("stages = [3]", ": stages[0]: expected a table, received 3"),
        ("stages = []", ": stages: a run needs at least one"),
        ("architecture = 3", ": architecture: expected a plugin's name with options, received 3"),
        (
            'architecture = "a("',
            ": architecture: can't read \"a(\": '(' was never closed at column 2",
        ),
        ("a = ", ": Invalid value (at end of document)"),
        ("a = 1\na = 2", ": Cannot overwrite a value (at "),
        ("seed = " + "9" * 5000, ": Exceeds the limit"),
        ("seed = " + "[" * 5000, ": "),
        (b"data = '\xff'", ": 'utf-8' codec can't decode byte 0xff"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_mistake_is_named_with_file_and_place(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DlcvError) as caught:
        RunConfig.load(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DlcvError, match=r"can't read .*none\.toml: No such file or directory"):
        read_toml(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, RunConfig()),
        ({"seed": None, "epochs": None, "test": None}, RunConfig()),
        ({"seed": 7, "architecture": "lenet"}, RunConfig(seed=7, architecture="lenet")),
        ({"test": 0.5, "validation": 10}, RunConfig(split=SplitConfig(test=0.5, validation=10))),
        ({"seed": 7}, RunConfig(seed=7, split=SplitConfig(seed=42))),
        (
            {"epochs": 3, "loss": "mean_squared_error"},
            RunConfig(stages=[StageConfig(epochs=3, loss="mean_squared_error")]),
        ),
        (
            {"learning_rate": 1},
            RunConfig(stages=[StageConfig(optimizer="adam(learning_rate=1.0)")]),
        ),
        (
            {"learning_rate": 0.1, "optimizer": "sgd(momentum=0.9)"},
            RunConfig(stages=[StageConfig(optimizer="sgd(momentum=0.9, learning_rate=0.1)")]),
        ),
        (
            {"learning_rate": 0.1, "optimizer": "sgd(learning_rate=0.5)"},
            RunConfig(stages=[StageConfig(optimizer="sgd(learning_rate=0.1)")]),
        ),
    ],
)
def test_options_go_before_the_configuration(changes: dict[str, Any], expected: RunConfig) -> None:
    assert RunConfig().with_options(**changes) == expected


def test_batch_size_is_that_of_the_run_and_of_all_its_stages() -> None:
    own = StageConfig(batch_size=8)
    for config in (RunConfig(stages=[own]), RunConfig(stages=[own]).with_options(epochs=3)):
        changed = config.with_options(batch_size=64)
        assert (changed.batch_size, changed.stages[0].batch_size) == (64, None)
    several = RunConfig(stages=[own, own]).with_options(batch_size=64)
    assert [stage.batch_size for stage in several.stages] == [None, None]


def test_stage_ends_where_it_is_to_stop() -> None:
    assert StageConfig(epochs=5).last_epoch == 5
    assert StageConfig(epochs=5, stop_after=3).last_epoch == 3
    assert StageConfig(epochs=5, stop_after=8).last_epoch == 5


def test_options_keep_what_they_do_not_name() -> None:
    config = RunConfig(stages=[StageConfig(optimizer="adam(epsilon=0.5)", epochs=3)], threads=2)
    changed = config.with_options(learning_rate=0.1)
    assert str(changed.stages[0].optimizer) == "adam(epsilon=0.5, learning_rate=0.1)"
    assert (changed.stages[0].epochs, changed.threads) == (3, 2)
    assert str(config.stages[0].optimizer) == "adam(epsilon=0.5)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 3}, 'a run has no option "epoch"; did you mean "epochs"?'),
        ({"learningrate": 3}, 'a run has no option "learningrate"; did you mean "learning_rate"?'),
        ({"tests": 3}, 'a run has no option "tests"; did you mean "test"?'),
        ({"zzz": 3}, 'a run has no option "zzz"'),
        ({"seed": "7"}, 'seed: expected int >= 0, < 4294967296, received "7"'),
        ({"epochs": 0}, "epochs: expected int >= 1, received 0"),
        ({"test": -1}, "test: expected float or int or None >= 0, received -1"),
        ({"validation": 0}, "validation: expected float or int or test or None > 0, received 0"),
        ({"learning_rate": float("nan")}, "learning_rate: expected float, received nan"),
        ({"learning_rate": "fast"}, 'learning_rate: expected float, received "fast"'),
        (
            {"learning_rate": 0.1, "optimizer": 3},
            "optimizer: expected a plugin's name with options, received 3",
        ),
    ],
)
def test_a_wrong_option_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DlcvError) as caught:
        RunConfig().with_options(**changes)
    assert str(caught.value) == message


@pytest.mark.parametrize("changes", [{"learning_rate": 1}, {"epochs": 1, "learning_rate": 1}])
def test_an_option_of_one_of_several_stages_is_refused(changes: dict[str, Any]) -> None:
    config = RunConfig(stages=[StageConfig(), StageConfig()])
    with pytest.raises(DlcvError, match=r"^learning_rate belongs to a stage, and there are 2; cha"):
        config.with_options(**changes)
    assert config.with_options(seed=1).stages == config.stages


def test_epochs_shorten_several_stages_and_lengthen_none() -> None:
    config = RunConfig(stages=[StageConfig(epochs=25, loss="poisson"), StageConfig(epochs=100)])
    for most, expected in ((1, [1, 1]), (40, [25, 40]), (100, [25, 100])):
        shortened = config.with_options(epochs=most)
        assert [stage.epochs for stage in shortened.stages] == expected
        assert str(shortened.stages[0].loss) == "poisson"
    with pytest.raises(DlcvError, match=r"epochs = 101 only shortens .* have 25, 100;"):
        config.with_options(epochs=101)
    with pytest.raises(DlcvError, match=r"^epochs: expected int >= 1, received 0"):
        config.with_options(epochs=0)


def test_what_a_recipe_tells_about_itself_is_checked_and_left_out() -> None:
    about = {"source": "a book", "reported": "90 %", "measured": "not measured here"}
    assert RunConfig.from_table({"seed": 7, "recipe": about}, "x.toml") == RunConfig(seed=7)
    with pytest.raises(DlcvError, match=r'^x\.toml: recipe: unknown key "sorce"; did you'):
        RunConfig.from_table({"recipe": {"sorce": "a book"}}, "x.toml")
    with pytest.raises(DlcvError, match=r"^x\.toml: recipe: expected a table, received 3"):
        RunConfig.from_table({"recipe": 3}, "x.toml")


def test_editors_know_every_option_of_a_run() -> None:
    from dlcv.config import SPLIT_OPTIONS
    from dlcv.runs.run_options import RunOptions, StageOptions

    of_stage = {*options_of(StageConfig), "learning_rate"}
    assert StageOptions.__annotations__.keys() == of_stage
    everything = {*options_of(RunConfig), *of_stage, *SPLIT_OPTIONS}
    assert RunOptions.__annotations__.keys() == everything
