"""Runs that were trained apart and predict together, as one run."""

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from dlcv import files, registry
from dlcv.api import Observers, RunConfig, RunDirectory, Trained, load_trained, write_results
from dlcv.errors import DlcvError
from dlcv.interfaces import Combination, Trainer, evolve, option, plugin
from dlcv.registry import Spec
from dlcv_plugins.ensembles.ensemble import Ensemble, named_method
from dlcv_plugins.trainers.completion import log_finished, write_missing
from dlcv_plugins.trainers.held_out import copy_to_test, test

SHARED = ("labels.json", "environment.json", "preprocessing.npz", "groups.npz")
"""Of a member's files, those that the whole run has too; members share data and classes."""


class CombinedRun(Trained, Ensemble):
    """Runs in the folder `members` of a run, which predict together.

    Attributes:
        directory: Paths of the files in the run's directory.
        config: Its configuration: that of the first member, with the trainer `combined`.
    """

    def __init__(
        self,
        directory: RunDirectory,
        count: int,
        *,
        checkpoint: str | int = "last",
        method: Combination | None = None,
    ) -> None:
        """Opens the members.

        Args:
            directory: The run's directory.
            count: How many members there are.
            checkpoint: What `dlcv.load` takes.
            method: How they are combined; None for what the run's evaluators name.
        """
        self.directory = directory
        self.config = RunConfig.load(directory.config)
        members = [directory.member(number).path for number in range(1, count + 1)]
        Ensemble.__init__(
            self,
            [load_trained(path, checkpoint) for path in members],
            method=method or named_method(self.config.evaluators) or "mean",
            path=directory.path,
            names=[f"member {path.name}" for path in members],
        )

    @property
    def validation_accuracy(self) -> float | None:
        """The members' accuracy together on the validation images, from 0 to 1."""
        found = self.directory.read_json("metrics").get("validation_accuracy")
        return None if found is None else float(found)


@plugin
class CombinedTrainer(Trainer):
    """Lets runs that were trained apart predict together, as `dlcv auto` leaves them."""

    runs: int = option(2, help="how many runs there are in the folder `members`", ge=2)

    def train(
        self, config: RunConfig, *, name: str | None, runs: Path, force: bool, yielding: list[str]
    ) -> CombinedRun:
        """Refuses: each member has a configuration of its own."""
        raise DlcvError(
            "trainer: the members of a combined run are trained one by one: "
            "dlcv run --config RUN/members/1/run.toml, and so on; dlcv evaluate combines runs"
        )

    def resume(
        self, path: Path, *, from_epoch: int | None, changes: dict[str, object]
    ) -> CombinedRun:
        """Writes the files that a finished run lacks; its members are trained to their end."""
        if changes or from_epoch is not None:
            member = shlex.quote(str(path / "members" / "1"))
            raise DlcvError(
                f"{path} combines runs that were trained apart; resume one: dlcv resume {member}"
            )
        if not RunDirectory(path).is_finished:
            raise DlcvError(
                f"{path} was stopped while its figures were computed; repeat the command that "
                "made it, with --force"
            )
        run = self.load(path, checkpoint="last", method=None)
        with run.directory.lock():
            log_finished(run, write_missing(run))
        return run

    def load(self, path: Path, *, checkpoint: str | int, method: Combination | None) -> CombinedRun:
        """Opens all members."""
        return CombinedRun(RunDirectory(path), self.runs, checkpoint=checkpoint, method=method)

    def summary(self, run: CombinedRun) -> list[str]:
        """Returns how many members there are, and what they are."""
        return [f"combined  {len(run.members)} runs: {run.path}/members"]


def write_combined(sources: Sequence[Path], directory: RunDirectory) -> None:
    """Copies runs that left their test images unseen into an empty directory, to be tested there.

    Args:
        sources: The runs, the best first; they stay as they are.
        directory: The directory.
    """
    for number, source in enumerate(sources, 1):
        member = directory.member(number)
        member.path.mkdir(parents=True)
        copy_to_test(source, member)
    first = directory.member(1)
    for name in SHARED:
        if (first.path / name).exists():
            shutil.copy(first.path / name, directory.path)
    trainer = Spec("combined", {"runs": len(sources)})
    config = evolve(RunConfig.load(first.config), trainer=trainer, initial_weights=None)
    files.write_atomically(directory.config, config.to_toml())


def test_combined(
    directory: RunDirectory, sources: Sequence[Path], validation_accuracy: float
) -> CombinedRun:
    """Tests the members that `write_combined` copied, each and together, and writes all figures.

    Args:
        directory: The directory, which the caller has locked.
        sources: The runs that the members are copies of.
        validation_accuracy: That of the members together, from 0 to 1.
    """
    tested = [test(directory.member(n), source) for n, source in enumerate(sources, 1)]
    # It knows the test images only now.
    shutil.copy(directory.member(1).path / "environment.json", directory.path)
    recorded = [each.directory.read_json("metrics") for each in tested]
    run = CombinedRun(directory, len(sources))
    run.data = tested[0].data
    run.results = write_results(
        directory,
        run.predictions(),
        registry.create_list("evaluator", run.evaluators),
        split=recorded[0]["split"],
        seconds=sum(each["training_seconds"] for each in recorded),
        validation_accuracy=validation_accuracy,
    )
    Observers(run.config).finished(run)
    return run
