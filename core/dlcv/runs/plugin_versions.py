"""The packages that a run's plugins came from: loading it must use the same ones."""

import logging
import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dlcv import registry
from dlcv.config import RunConfig
from dlcv.errors import SpecError, UnknownPluginError
from dlcv.interfaces import evolve
from dlcv.packages import OWN, qualified_name
from dlcv.registry import KINDS
from dlcv.registry.spec import Spec, SpecList
from dlcv.runs.directory import RunDirectory

logger = logging.getLogger(__name__)
PREDICTING = ("architecture", "classifier", "preprocessor")
"""The kinds of plugins that decide what a run predicts."""
PluginVersions = list[dict[str, str]]
"""`kind`, `name`, `distribution` and `version` of each plugin, as `environment.json` has them."""


def as_recorded(config: RunConfig, versions: PluginVersions) -> RunConfig:
    """Returns a configuration whose names can only mean the packages of the record.

    Another package may have come to claim a name since; where none did, names stay as they are.
    """

    def own(kind: str, spec: Spec) -> Spec:
        used = next((u for u in versions if (u["kind"], u["name"]) == (kind, spec.name)), None)
        known = [d for d in registry.descriptors(kind) if d.name == spec.name and not d.is_disabled]
        if not used or [d.distribution for d in known] == [used["distribution"]]:
            return spec
        return Spec(_qualified(used), spec.options)

    return evolve(
        config,
        data=str(own("store", Spec.parse(config.data))),
        architecture=own("architecture", config.architecture),
        classifier=config.classifier and own("classifier", config.classifier),
        preprocessors=SpecList(own("preprocessor", s) for s in config.preprocessors),
        evaluators=SpecList(own("evaluator", s) for s in config.evaluators),
        trackers=SpecList(own("tracker", s) for s in config.trackers),
        trainer=config.trainer and own("trainer", config.trainer),
        split=evolve(
            config.split,
            groups=config.split.groups
            and SpecList(own("grouping", s) for s in config.split.groups),
        ),
        stages=tuple(
            evolve(stage, schedule=own("schedule", stage.schedule)) for stage in config.stages
        ),
    )


@contextmanager
def naming_packages(versions: PluginVersions) -> Iterator[None]:
    """Names the package, and its version, of a recorded plugin that is not as it was.

    Raises:
        SpecError: a plugin of the record is not installed, or can't be made by another version.
    """
    try:
        yield
    except SpecError as error:
        for used in versions:
            package, version = used["distribution"], used["version"]
            is_named = error.name in (used["name"], _qualified(used))
            if used["kind"] != error.kind or not is_named:
                continue
            if isinstance(error, UnknownPluginError):
                made = f'the run was made with the {error.kind} "{used["name"]}" of'
                if package:
                    made = f"{made} {package} {version}, which is not installed"
                elif file := used.get("file"):
                    made = f"{made} {file}; add --plugin {shlex.quote(file)}"
                else:
                    made = f"{made} a program, which has to register it again"
                raise SpecError(made) from None
            if (now := _installed(used)) not in ("", version):
                made = f"the run was made with {package} {version}"
                raise SpecError(f"{error}; {made}, and {now} is installed") from None
        raise


def warn_of_other_versions(versions: PluginVersions) -> None:
    """Warns where what predicts came from another version of its package than is installed."""
    for used in versions:
        now, decides = _installed(used), used["kind"] in PREDICTING and used["distribution"] != OWN
        if decides and now not in ("", used["version"]):
            made = "{kind} {name}: the run was made with {distribution} {version}".format(**used)
            logger.warning("%s, and %s is installed; predictions may differ", made, now)


def _installed(used: dict[str, str]) -> str:
    """Returns the installed version of a recorded plugin's package, empty if there is none."""
    named = registry.descriptors(used["kind"], used["name"]) if used["kind"] in KINDS else []
    return next((d.version for d in named if d.distribution == used["distribution"]), "")


def recorded(paths: Iterable[str | os.PathLike[str]]) -> PluginVersions:
    """Returns the plugins that the runs in some folders were made with."""
    directories = map(RunDirectory, map(Path, paths))
    records = [
        d.read_json("environment") for d in directories if (d.path / "environment.json").is_file()
    ]
    return [used for record in records for used in record["plugins"]]


def _qualified(used: dict[str, str]) -> str:
    return qualified_name(used["distribution"], used["name"])
