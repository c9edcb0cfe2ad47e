"""The executor of Ray clusters."""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

from dlcv.errors import DlcvError
from dlcv.interfaces import OptionError, option, plugin
from dlcv_plugins.kinds.executor import Executor, Made, Needs, Part, Report, Work

PARTS_PER_PROCESSOR = 4
"""Enough for machines of different speed to end at the same time."""
MOST_UNITS = 64
"""So much is done again at most where a machine is lost."""


@plugin
class Ray(Executor):
    """Does parts on the machines of a Ray cluster, or in several processes of this machine."""

    address: str | None = option(
        None,
        help="ray://HOST:PORT, or HOST:PORT on a machine of the cluster; by default that of "
        "RAY_ADDRESS, else a cluster that runs on this machine, else one for this command alone",
    )
    gpus: float | None = option(
        None,
        help="GPUs for each part for which a network computes; by default one where there are any",
        ge=0,
    )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Connects to the cluster; if the process is connected already, it stays so.

        Raises:
            DlcvError: Ray is not installed, or there is no cluster.
            OptionError: Ray can't give a part so many GPUs.
        """
        if self.gpus is not None and self.gpus > 1 and self.gpus % 1:
            raise OptionError("ray", "gpus", f"above 1 must be whole, received {self.gpus}")
        # Before Ray is imported: what is done with dlcv is reported to nobody.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise DlcvError("the executor ray needs Ray: pip install 'dlcv[ray]'") from None
        if ray.is_initialized():
            yield
            return
        from dlcv_plugins.executors.ray.connecting import connect

        connect(self.address)
        try:
            yield
        finally:
            ray.shutdown()

    def map(
        self,
        work: Work[Part, Made],
        parts: Sequence[Part],
        *,
        at_once: int,
        needs: Needs,
        report: Report,
    ) -> Generator[Made, None, None]:
        """Yields what comes of each part; the cluster decides how many are done at once."""
        from dlcv_plugins.executors.ray.mapping import Job

        return Job(work, needs, self.gpus, report).results(parts)

    def part_size(self, count: int, unit: int) -> int:
        """Returns a size that gives each processor a few parts, and none too much to do again."""
        import ray

        processors = max(1, int(ray.cluster_resources().get("CPU", 1)))
        units = -(-count // unit)
        return unit * max(1, min(MOST_UNITS, units // (PARTS_PER_PROCESSOR * processors)))
