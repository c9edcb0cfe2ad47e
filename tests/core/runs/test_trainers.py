"""Trainers: which one a configuration is trained by, and what the core leaves to it."""

from pathlib import Path
from typing import Any

import pytest

import dlcv
from dlcv import registry
from dlcv.api import GradientDescent
from dlcv.config import RunConfig
from dlcv.errors import DlcvError
from dlcv.interfaces import Trainer, option, plugin
from dlcv.runs.trainers import trainer_of
from dlcv.testing import check_plugin


@plugin
class Brief(Trainer):
    """Trains for one epoch, whatever is asked for."""

    seed_offset: int = option(0, help="added to the seed", ge=0)

    def train(self, config: RunConfig, **place: Any) -> dlcv.Run:
        changed = config.with_options(epochs=1, seed=config.seed + self.seed_offset)
        return GradientDescent().train(changed, **place)

    def resume(self, path: Path, **how: Any) -> dlcv.Run:
        return GradientDescent().resume(path, **how)

    def load(self, path: Path, **how: Any) -> dlcv.Run:
        return GradientDescent().load(path, **how)

    def summary(self, run: dlcv.Run) -> list[str]:
        return ["brief     and done"]


@plugin
class Greedy(Brief):
    """Claims what has several members."""

    @classmethod
    def claims(cls, config: RunConfig) -> bool:
        return config.members > 1


def test_a_trainer_that_is_named_trains_loads_and_sums_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dlcv.cli.run import finish

    with registry.register("trainer", "brief", Brief):
        run = dlcv.run(
            data="digits(size=8)", architecture="mlp(units=4)", fraction=0.1, threads=1,
            epochs=5, trainer="brief(seed_offset=3)", runs=tmp_path, name="short",
        )  # fmt: skip
        finish(run)

        assert len(run.history) == 1
        assert run.config.seed == 45
        assert str(run.config.trainer) == "brief(seed_offset=3)"
        plugins = run.directory.read_json("environment")["plugins"]
        assert ("trainer", "brief") in {(used["kind"], used["name"]) for used in plugins}
        assert "\nbrief     and done\naccuracy " in capsys.readouterr().out
        assert dlcv.load(run.path).metrics == run.metrics
    with pytest.raises(DlcvError, match='unknown trainer "brief"'):
        dlcv.load(run.path)


def test_a_configuration_is_trained_by_the_one_that_claims_it() -> None:
    names = {
        "features": RunConfig(classifier="logistic_regression"),
        "members": RunConfig(members=2),
    }
    for name, config in names.items():
        assert type(trainer_of(config)) is registry.get("trainer", name)
    assert type(trainer_of(RunConfig())) is GradientDescent


@pytest.mark.parametrize("asked", [{"members": 2}, {"classifier": "logistic_regression"}])
def test_stages_that_are_named_refuse_what_another_trainer_would_do(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    with pytest.raises(DlcvError, match=f"in stages; remove it, or {next(iter(asked))}"):
        dlcv.run(trainer="gradient_descent", runs=tmp_path, **asked)


def test_precise_statistics_need_a_hook_that_estimates_them(tmp_path: Path) -> None:
    import forked  # It imports OpenCV, which the plugins of this module must not.

    done = forked.dlcv(
        "run", "--arch", "mlp(units=4)", "--batch-statistics", "precise", folder=tmp_path,
        variables={"DLCV_DISABLE": "hook:training_stages"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.endswith(
        "dlcv: batch_statistics: no installed package estimates precise statistics; write moving\n"
    )


def test_two_trainers_that_claim_a_configuration_are_named() -> None:
    with registry.register("trainer", "greedy", Greedy):
        with pytest.raises(DlcvError, match=r'trainers greedy and members .* trainer = "greedy"'):
            trainer_of(RunConfig(members=2))
        assert type(trainer_of(RunConfig(members=2, trainer="greedy"))) is Greedy


def test_what_needs_a_trainer_is_not_trained_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCV_DISABLE", "trainer:*")

    with pytest.raises(DlcvError, match="no trainer that can be used takes members = 2"):
        trainer_of(RunConfig(members=2))
    with pytest.raises(DlcvError, match="no trainer that can be used takes a classifier"):
        trainer_of(RunConfig(classifier="logistic_regression"))


def test_the_checks_find_a_trainer_that_claims_everything() -> None:
    @plugin
    class Everything(Brief):
        """Claims every configuration."""

        @classmethod
        def claims(cls, config: RunConfig) -> bool:
            return True

    with registry.register("trainer", "brief", Brief):
        check_plugin(Brief())
    with (
        registry.register("trainer", "everything", Everything),
        pytest.raises(AssertionError, match="return True only for what asks for this trainer"),
    ):
        check_plugin(Everything())


@pytest.mark.parametrize(
    ("name", "message"),
    [("features", "the configuration names none"), ("members", "set how many: --members 5")],
)
def test_a_shipped_trainer_that_is_named_without_its_setting_names_the_setting(
    name: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DlcvError, match=message):
        dlcv.run(data="digits(size=8)", trainer=name, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
