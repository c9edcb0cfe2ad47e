"""Every command, in one process that then ends as Python does: nothing crashes at its end.

A file of weights that was left open on an object of Python did.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pictures

from dlcv import registry

PROGRAM = """
import sys
import pictures
from dlcv.__main__ import main

for line in sys.stdin.read().splitlines():
    sys.argv = ["dlcv", *line.split()]
    with pictures.switched(on=False):
        try:
            main()
        except SystemExit as end:
            assert not end.code, (line, end.code)
"""
SETTINGS = "--data photos --epochs 1 --threads 1"
LINES = f"""
data check photos --report check.html
data show photos --out show.png
data advise photos
data preview photos --out preview.png
data build photos --out packed --size 16
data verify packed
plugins list
completion bash
plugins show mean
plugins check poly
plugins doctor mean
plugins new schedule dlcv-mine --quiet
recipes
recipes show cats-and-dogs-cnn-24
schedules plot cosine --out rates.png
inspect lenet
lr-search {SETTINGS} --arch lenet(width=0.1) --method range --steps 20 --out rate.png
run {SETTINGS} --arch lenet(width=0.1) --input-size 16 --name one
run {SETTINGS} --arch lenet(width=0.1) --initial-weights runs/one/model.keras --name two --members 2
resume runs/one --epochs 1
evaluate runs/one runs/two --eval ensemble
report runs/one
launch -n 1 -- dlcv resume runs/one
compare runs/one runs/two
predict runs/one photos
look grad-cam runs/one photos/red/000.png --out cam.png
look filters runs/one --out filters.png
look feature-maps runs/one photos/red/000.png --out maps.png
export runs/one --format onnx
extract --base runs/one --data photos --out features
fit features --name fitted
transfer --base runs/one --data photos --name transferred
finetune --base runs/one {SETTINGS} --name tuned
search {SETTINGS} --arch lenet(width=0.1) --input-size 16 --vary seed=[1,2] --trials 1
auto photos --base runs/one --threads 1 --minutes 5 --name best
"""


def test_every_command_and_the_end_of_its_process(tmp_path: Path, photos: Callable) -> None:
    photos(count=20, size=(16, 16))
    names = {" ".join(names) for names in every_command()}
    tried = {
        name for name in names for line in LINES.splitlines() if f"{line} ".startswith(f"{name} ")
    }
    assert tried == names
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=LINES.strip(), cwd=tmp_path, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(Path(pictures.__file__).parent)},
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def every_command() -> list[list[str]]:
    """Returns the names of all commands; a group's own is in the way to each of its commands."""
    found = []
    for descriptor in registry.descriptors("command"):
        command = registry.get("command", descriptor.name)
        if isinstance(command, click.Group):
            inner = [[descriptor.name, name] for name in command.commands]
        else:
            inner = [descriptor.name.split(".")]
        found += inner
    return found
