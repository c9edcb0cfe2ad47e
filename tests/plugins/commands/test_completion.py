"""`dlcv completion`: what shells complete."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dlcv.cli.main import dlcv
from dlcv_plugins.commands.completion.spec import continuations


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("architecture", "resnet10", ["resnet101", "resnet101v2"]),
        ("architecture", "fc_head(base=vgg", ["fc_head(base=vgg16", "fc_head(base=vgg19"]),
        ("architecture", "fc_head(base=vgg16(we", ["fc_head(base=vgg16(weights="]),
        (
            "architecture", "fc_head(base=vgg16(weights=x), un",
            ["fc_head(base=vgg16(weights=x), units="],
        ),
        ("architecture", "nothing(", []),
        ("preprocessor", "mean, pat", ["mean, patch"]),
        ("preprocessor", "mean,pat", ["mean,patch"]),
        ("preprocessor", "patch(", ["patch(size=", "patch(interpolation=", "patch(padding="]),
        (
            "preprocessor", "patch(size=(8, 9), ",
            ["patch(size=(8, 9), interpolation=", "patch(size=(8, 9), padding="],
        ),
        ("preprocessor", "patch(size=(8, ", []),
        ("preprocessor", "patch(interpolation=ar", ["patch(interpolation=area"]),
        ("preprocessor", "patch(size=8), mea", ["patch(size=8), mean"]),
        ("preprocessor", "aspect_aware(final_resize=", ["True", "False"]),
    ],
)  # fmt: skip
def test_what_may_follow(kind: str, text: str, expected: list[str]) -> None:
    found = [whole for whole, _ in continuations(kind, text)]
    if text.endswith("="):
        expected = [text + value for value in expected]
    assert found == expected


def test_plugins_of_a_family_are_completed_with_what_they_are() -> None:
    (vit,) = continuations("architecture", "kerashub_vi")
    assert vit == (
        "kerashub_vit",
        "The Vision Transformer (Dosovitskiy et al., 2020), as KerasHub has it.",
    )
    assert [text for text, _ in continuations("architecture", "kerashub_vit(pre")] == [
        "kerashub_vit(preset="
    ]


def answers(*words: str) -> list[str]:
    """Returns what bash is answered for words, of which the last is not whole."""
    asked = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    given = ["completion", "bash", "--answer"]
    return CliRunner().invoke(dlcv, given, env=asked, catch_exceptions=False).output.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["dlcv", "resu"], ["plain,resume"]),
        (["dlcv", "data", "ver"], ["plain,verify"]),
        (["dlcv", "run", "--preproc", "mean,pat"], ["plain,mean,patch"]),
        (["dlcv", "run", "--seed", "3", "--arch", "alex"], ["plain,alexnet"]),
        (["dlcv", "evaluate", "one", "--eval", "conf"], ["plain,confusion"]),
        (["dlcv", "run", "--data", "dig"], ["plain,digits"]),
        (["dlcv", "run", "--data", "pho"], ["file,pho"]),
        (["dlcv", "run", "--config", ""], ["file,"]),
        (["dlcv", "predict", "ru"], ["file,ru"]),
        (["dlcv", "plugins", "show", "trivial"], ["plain,trivial_augment"]),
        (["dlcv", "plugins", "list", "sched"], ["plain,schedule"]),
        (["dlcv", "run", "--small-classes", "sk"], ["plain,skip"]),
    ],
)
def test_what_a_shell_is_answered(words: list[str], expected: list[str]) -> None:
    assert answers(*words) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_ask_the_command(shell: str) -> None:
    script = CliRunner().invoke(dlcv, ["completion", shell], catch_exceptions=False).output
    assert script.count(f"dlcv completion {shell} --answer") == 1
    assert "_DLCV_COMPLETE=" not in script


def test_bash_completes_a_word(tmp_path: Path) -> None:
    """The script is run by bash, and the command is found and starts without what is heavy."""
    command = tmp_path / "dlcv"
    heavy = "sys.modules.update(dict.fromkeys(('keras', 'tensorflow', 'numpy', 'sklearn')))"
    program = f"import sys; {heavy}; from dlcv.__main__ import main; main()"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{program}" "$@"\n')
    command.chmod(0o755)
    asked = (
        'eval "$(dlcv completion bash)"; COMP_WORDS=(dlcv run --arch "fc_head(base=lene"); '
        'COMP_CWORD=3; _dlcv_completion dlcv; printf "%s" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", asked],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("fc_head(base=lenet", "")
