"""How long `dlcv --help` and `dlcv plugins list` take, also with 200 more packages installed."""

import sys
import tempfile
from pathlib import Path

from processes import run, spread

PACKAGES = 200
RUNS = 15
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "dlcv --help": [sys.executable, "-m", "dlcv", "--help"],
    "dlcv plugins list": [sys.executable, "-m", "dlcv", "plugins", "list"],
}


def install_packages(folder: Path) -> None:
    """Writes the metadata of packages with a plugin each, as pip would leave it."""
    for number in range(PACKAGES):
        info = folder / f"vendor_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: vendor-{number}\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(
            f"[dlcv.architectures]\nnet{number} = vendor_{number}.net:Net\n"
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        install_packages(Path(folder))
        rows: dict[str, list[float]] = {}
        for _ in range(RUNS):
            for name, command in COMMANDS.items():
                rows.setdefault(name, []).append(run(command)[0])
                if "dlcv" in name:
                    seconds, _, output = run(command, PYTHONPATH=folder)
                    assert "list" not in name or f"net{PACKAGES - 1}" in output
                    rows.setdefault(f"{name}, {PACKAGES} packages more", []).append(seconds)
    print(f"seconds, median of {RUNS} (range)")
    for name, seconds in rows.items():
        print(f"{name:40} {spread(seconds)}")


if __name__ == "__main__":
    main()
