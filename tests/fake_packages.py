"""Packages that exist for one test: their metadata and modules in a folder on the import path."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


def install(
    folder: Path,
    distribution: str,
    entry_points: dict[str, dict[str, str]],
    modules: dict[str, str] | None = None,
    version: str = "1.0",
) -> None:
    """Installs a package.

    Args:
        folder: What `run_python` gets as `folder`; several packages may share it.
        distribution: The package's name.
        entry_points: What it offers, as `{"architectures": {"name": "module:attribute"}}`.
        modules: Its modules' sources by name.
        version: Its version.
    """
    metadata = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    )
    lines = []
    for group, named in entry_points.items():
        lines += [f"[dlcv.{group}]", *(f"{name} = {target}" for name, target in named.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    for name, source in (modules or {}).items():
        (folder / f"{name}.py").write_text(source)


def run_python(
    folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs Python with the packages in `folder`, in `folder`.

    The packages that are installed are looked through once a process, so this needs a new one.
    """
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


ONE_AFTER_THE_OTHER = """
import contextlib, io, json, sys
from pathlib import Path
from dlcv.__main__ import main

ended = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["dlcv", *arguments]
    with (
        contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())) as out,
        contextlib.redirect_stderr(io.TextIOWrapper(io.BytesIO())) as err,
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
    printed = []
    for text in (out, err):
        text.flush()
        printed.append(text.buffer.getvalue().decode())
    ended.append([code or 0, *printed, sorted(map(str, Path().rglob("*")))])
print(json.dumps(ended))
"""


@dataclass
class Ended:
    """A command that ended.

    Attributes:
        returncode: Its exit code.
        stdout: What it printed.
        stderr: Its messages.
        files: What was in its folder afterwards.
    """

    returncode: int
    stdout: str
    stderr: str
    files: list[str]


def run_commands(folder: Path, commands: list[list[str]]) -> list[Ended]:
    """Runs one command of dlcv after the other in one process, which saves the start of each."""
    done = run_python(folder, "-c", ONE_AFTER_THE_OTHER, json.dumps(commands))
    assert done.returncode == 0, done.stderr
    return [Ended(*ended) for ended in json.loads(done.stdout)]
