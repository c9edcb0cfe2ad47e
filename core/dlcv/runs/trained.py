"""What training returns: a run, or several networks that one run trained."""

from dlcv.config import RunConfig
from dlcv.data.sources import Dataset
from dlcv.registry import registry
from dlcv.runs.directory import RunDirectory
from dlcv.runs.predictor import Predictor
from dlcv.runs.results import Results


class Trained(Predictor):
    """What a configuration was trained into: its directory, its figures, and its predictions.

    Attributes:
        directory: Paths of the files in the run's directory.
        config: Its configuration, complete.
        stopped_by: The number of the signal that stopped it in this process, 0 if none did.
        data: Its data, where training has opened it in this process.
        results: What was found about it, where it was trained in this process.
    """

    directory: RunDirectory
    config: RunConfig
    stopped_by: int = 0
    data: Dataset | None = None
    results: Results | None = None

    def __repr__(self) -> str:
        """Returns the path and the figures."""
        figures = ", ".join(f"{name}={value:.4f}" for name, value in self.metrics.items())
        return f"{type(self).__name__}({str(self.path)!r}, {figures})"

    def _repr_html_(self) -> str | None:
        """Returns what a notebook shows of it, if an installed package says so."""
        return registry.hooks().dlcv_html(run=self)

    @property
    def finished(self) -> bool:
        """Whether the training came to its end."""
        return self.directory.is_finished

    @property
    def history(self) -> list[dict[str, float]]:
        """A row of figures an epoch; empty where no epochs are trained, or by members only."""
        return []

    @property
    def metrics(self) -> dict[str, float]:
        """The figures on held-out images by name; empty while the run is not finished."""
        return dict(self.directory.read_json("metrics")["metrics"]) if self.finished else {}
