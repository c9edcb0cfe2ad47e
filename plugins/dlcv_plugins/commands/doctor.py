"""`dlcv plugins doctor`: why a plugin is not found, or does not work."""

import importlib.metadata
import itertools
import json
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

import click

from dlcv.api import misnamed_groups, table, with_verbosity
from dlcv.errors import PluginError, count, printable, suggestion


@click.command(
    epilog="""\b
Examples:
  dlcv plugins doctor
  dlcv plugins doctor posterise
  dlcv plugins doctor dlcv-posterise
"""
)
@click.argument("name", required=False, metavar="[NAME|DISTRIBUTION]")
@with_verbosity
def doctor(name: str | None) -> None:
    """Tell why a plugin is not found: packages, their entry points, and what is wrong with them.

    Every plugin is imported. The exit code is 1 if something is wrong.
    """
    packages = _packages()
    problems = [
        *_twice(packages), *_of_plugins(), *misnamed_groups(), *_of_editable_installs(),
        *_of_requirements(),
    ]  # fmt: skip
    click.echo(f"python   {sys.executable}, {sys.version.partition(' ')[0]}")
    click.echo(f"packages {sys.prefix}\n")
    click.echo(table(("package", "version", "entry points", "from"), packages))
    if name:
        if told := _about(name):
            click.echo("\n" + "\n".join(map(printable, told)))
        # What is not there may be of a family that is broken.
        missing = () if _is_known(name) else ("family ",)
        problems = [p for p in problems if name.lower() in p.lower() or p.startswith(missing)]
    for problem in problems:
        click.echo(f"\n{printable(problem)}")
    if not problems and not name:
        click.echo("\nnothing is wrong")
    if problems or (name and not _is_known(name)):
        sys.exit(1)


def _packages() -> list[tuple[str, str, int, str]]:
    """Returns the packages with entry points for dlcv."""
    found = set()
    for distribution in importlib.metadata.distributions():
        points = [ep for ep in distribution.entry_points if ep.group.startswith("dlcv.")]
        if points:
            place = _source(distribution) or str(Path(str(distribution.locate_file(""))).resolve())
            # A half-removed package has no metadata any more.
            name, version = distribution.name or "unknown", distribution.version or "unknown"
            found.add((name, version, len(points), place))
    return sorted(found)


def _twice(packages: list[tuple[str, str, int, str]]) -> Iterator[str]:
    """Yields the packages that are there twice, of which Python takes the first on its path."""
    for name, versions in itertools.groupby(packages, key=lambda row: row[0]):
        if len(places := [f"{version} in {place}" for _, version, _, place in versions]) > 1:
            yield (
                f"{name} is installed more than once: {', and '.join(places)}; uninstall all, and "
                "install it once"
            )


def _of_plugins() -> Iterator[str]:
    """Imports each plugin, and yields what is wrong with it and what to do."""
    from dlcv import registry

    for descriptor in registry.descriptors():
        try:
            registry.registry.load(descriptor)
        except PluginError as error:
            yield f"{error}; `--debug` with a command that uses it shows where"
            continue
        state, reason = registry.state(descriptor)
        if state in ("shadowed", "ambiguous"):
            others = [d.origin for d in registry.descriptors(descriptor.kind, descriptor.name)]
            owners = " and ".join(origin for origin in others if origin != descriptor.origin)
            yield f"{descriptor.title} is {state}: {owners} has the name, too; {reason}"
        elif state == "disabled":
            yield f"{descriptor.title} is disabled {reason}"


def _of_editable_installs() -> Iterator[str]:
    """Yields editable installs for dlcv whose source is gone."""
    for distribution in importlib.metadata.distributions():
        source = _source(distribution)
        is_ours = any(ep.group.startswith("dlcv.") for ep in distribution.entry_points)
        if is_ours and source and not Path(source).exists():
            yield (
                f"{distribution.name} {distribution.version} was installed from {source}, which is "
                f"gone; install it again, or `pip uninstall {distribution.name}`"
            )


def _of_requirements() -> Iterator[str]:
    """Yields packages for dlcv that require another dlcv than is installed."""
    from packaging.requirements import InvalidRequirement, Requirement

    installed = importlib.metadata.version("dlcv")
    for distribution in importlib.metadata.distributions():
        if not any(ep.group.startswith("dlcv.") for ep in distribution.entry_points):
            continue
        for text in distribution.requires or ():
            try:
                required = Requirement(text)
            except InvalidRequirement:
                continue
            is_met = required.specifier.contains(installed, prereleases=True)
            if required.name == "dlcv" and not is_met:
                yield (
                    f"{distribution.name} {distribution.version} requires dlcv"
                    f"{required.specifier}, and {installed} is installed; install another release "
                    "of one of them"
                )


def _source(distribution: Distribution) -> str:
    """Returns the folder of an editable install; empty for other installs."""
    try:
        about = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return ""
    is_editable = about.get("dir_info", {}).get("editable", False)
    return unquote(urlparse(about["url"]).path) if is_editable else ""


def _is_known(name: str) -> bool:
    from dlcv import registry

    return name in registry.registry or bool(_plugins_of(name))


def _plugins_of(package: str) -> list[str]:
    from dlcv import registry

    owned = [d for d in registry.descriptors() if d.distribution.lower() == package.lower()]
    return [f"{d.kind} {registry.registry.usable_name(d)}" for d in owned]


def _about(name: str) -> list[str]:
    """Returns lines on a plugin's or a package's name."""
    from dlcv import registry

    named = [d for d in registry.descriptors() if name in (d.name, d.qualified_name)]
    if named:
        # Of the others the problems tell.
        return [f"{d.title}: available" for d in named if registry.state(d)[0] == "available"]
    if plugins := _plugins_of(name):
        return [f"{name} has {count(len(plugins), 'plugin')}: {', '.join(plugins)}"]
    try:
        distribution = importlib.metadata.distribution(name)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        known = {text for d in registry.descriptors() for text in (d.name, d.distribution)}
        hint = suggestion(name, known)
        return [
            f"no plugin and no installed package is named {name}{hint}",
            f"a package must be installed where dlcv is: {sys.executable} -m pip install PACKAGE",
        ]
    groups = sorted({ep.group for ep in distribution.entry_points})
    return [
        f"{distribution.name} {distribution.version} is installed, and has no entry points for "
        f"dlcv; it has {', '.join(groups) or 'none at all'}",
        "after a change of entry points in pyproject.toml, a package must be installed again",
    ]
