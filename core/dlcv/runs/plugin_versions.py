"""The packages that a run's plugins came from: loading it must use the same ones."""

from collections.abc import Callable
from typing import Any, TypeVar

from dlcv import registry
from dlcv.config import RunConfig
from dlcv.errors import SpecError
from dlcv.interfaces import evolve
from dlcv.registry.index import qualified_name
from dlcv.registry.spec import Spec, SpecList

Made = TypeVar("Made")
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
        trainer=config.trainer and own("trainer", config.trainer),
        stages=tuple(
            evolve(stage, schedule=own("schedule", stage.schedule)) for stage in config.stages
        ),
    )


def create(
    make: Callable[[str, Any], Made], kind: str, spec: Any, versions: PluginVersions
) -> Made:
    """Makes plugins; one that is missing is named with the package that it came from.

    Raises:
        SpecError: a plugin is not installed, or does not take its options any more.
    """
    try:
        return make(kind, spec)
    except SpecError as error:
        for used in versions:
            named = any(f'"{name}"' in str(error) for name in (used["name"], _qualified(used)))
            if used["kind"] == kind and named and used["distribution"]:
                raise SpecError(
                    f'the run was made with the {kind} "{used["name"]}" of '
                    f"{used['distribution']} {used['version']}, which is not installed"
                ) from None
        raise


def _qualified(used: dict[str, str]) -> str:
    return qualified_name(used["distribution"], used["name"])
