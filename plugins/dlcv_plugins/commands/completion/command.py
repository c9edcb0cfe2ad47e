"""`dlcv completion`: lets shells complete commands, options, plugins' names and their options."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click
from click.shell_completion import CompletionItem, get_completion_class
from click.types import FuncParamType

SHELLS = ("bash", "zsh", "fish")
KINDS = {
    "architecture": "architecture", "base": "architecture", "checks": "check",
    "classifier": "classifier", "data": "store", "evaluators": "evaluator",
    "executor": "executor", "format": "exporter", "groups": "grouping",
    "preprocessors": "preprocessor", "schedule": "schedule", "sections": "section",
    "trackers": "tracker", "trainer": "trainer",
}  # fmt: skip
"""The kinds of plugins that parameters name, by the parameters' names."""
KINDS |= {"network": "architecture", "head": "architecture", "source": "store", "specs": "schedule"}
OR_FILES = ("store", "architecture")
"""The kinds in whose place a file or a folder may be named."""
FILES = ("config", "initial_weights", "plugin_files", "weights")
"""Parameters that take a file among other texts."""
NAMES = {"name": ("show", "doctor"), "names": ("check",)}
"""Where a parameter is the name of a plugin of any kind: the commands below `plugins`."""


@click.command(
    epilog="""\b
Once, and then in every new shell:
  dlcv completion bash >> ~/.bashrc
  dlcv completion zsh >> ~/.zshrc
  dlcv completion fish > ~/.config/fish/completions/dlcv.fish
"""
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.option("--answer", is_flag=True, hidden=True, help="Answer the shell, as the script asks.")
def completion(shell: str, answer: bool) -> None:
    """Print what lets a shell complete commands, options, names of plugins and their options."""
    root = click.get_current_context().find_root().command
    completing = get_completion_class(shell)
    assert completing is not None
    made = completing(root, {}, "dlcv", "_DLCV_COMPLETE")
    if answer:
        args, _ = made.get_completion_args()
        with _plugins_completed(root, args):
            click.echo(made.complete())
        return
    # Click's scripts ask by the program alone, and a variable.
    script = made.source().replace(f"_DLCV_COMPLETE={shell}_complete ", "")
    script = re.sub(r" (\$1|dlcv)\)", f" dlcv completion {shell} --answer)", script)
    # The value of an option follows without a space.
    nospace = "[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace"
    click.echo(script.replace("    return 0", f"    {nospace}\n    return 0"))


class _Completed(click.ParamType):  # type: ignore[type-arg]
    """What a parameter takes, to be completed."""

    name = "completed"

    def __init__(self, kind: str = "", names: Iterable[str] = ()) -> None:
        """Completes specs of a kind, or else names; files where neither is given."""
        self._kind = kind
        self._names = list(names)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Returns what the text may become."""
        from dlcv_plugins.commands.completion.spec import continuations

        files = [CompletionItem(incomplete, type="file")]
        if not self._kind:
            found = [name for name in self._names if name.startswith(incomplete)]
            return [CompletionItem(name) for name in found] if self._names else files
        items = [
            CompletionItem(text, help=words)
            for text, words in continuations(self._kind, incomplete)
        ]
        if self._kind in OR_FILES and "(" not in incomplete and not (incomplete and items):
            return files
        return items


@contextmanager
def _plugins_completed(command: click.Command, words: list[str]) -> Iterator[None]:
    """Lets the parameters of the command that is called complete what they take, for a block."""
    from dlcv import registry

    for word in words:
        if isinstance(command, click.Group):
            command = command.get_command(click.Context(command), word) or command
    before = [parameter.type for parameter in command.params]
    for parameter in command.params:
        name = parameter.name or ""
        if kind := KINDS.get(name):
            parameter.type = _Completed(kind)
        elif name == "kind":
            parameter.type = _Completed(names=registry.KINDS)
        elif command.name in NAMES.get(name, ()):
            every = {found for kind in registry.KINDS for found in registry.names(kind)}
            parameter.type = _Completed(names=sorted(every))
        elif name in FILES or isinstance(parameter.type, FuncParamType):
            parameter.type = _Completed()
    try:
        yield
    finally:
        for parameter, type_before in zip(command.params, before, strict=True):
            parameter.type = type_before
