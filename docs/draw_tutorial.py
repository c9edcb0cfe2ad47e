"""Runs the commands of the tutorial on photographs, and draws its pictures from what they make.

    python docs/draw_tutorial.py FLOWERS12

FLOWERS12 is a folder with `train` and `test`, which hold a folder for each class. Pictures of pages
are taken with Chromium.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

DOCS = Path(__file__).parent
PAGE = DOCS / "tutorial" / "flowers.md"
CONSOLE = re.compile(r"(?<!-->\n)^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUALITY = 80
"""Of JPEG files."""
DRAWN = {"flowers.jpg": 560, "grad-cam.jpg": 1000}
"""Pictures that commands make, and how wide they are on the page, at most, in pixels."""
SHOTS = {
    "report.jpg": ("runs/flowers/report.html", "body", (1000, 444)),
    "flowers-mistakes.jpg": ("runs/flowers/report.html", "#confident_mistakes", (1000, 620)),
    "flowers-check.jpg": ("check.html", "body", (1000, 620)),
}
"""Pictures of pages: the page, what is at the top, and the size in pixels."""


def main() -> None:
    """Runs the commands, and writes the pictures."""
    data = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(data / "train", folder / "flowers")
        shutil.copytree(data / "test", folder / "later")
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        for command in commands(PAGE.read_text()):
            print(f"$ {command}", flush=True)
            subprocess.run(["/bin/bash", "-c", command], cwd=folder, env=environment, check=True)
        for picture, width in DRAWN.items():
            name = picture if picture.startswith("flowers") else f"flowers-{picture}"
            write(folder / picture, DOCS / "images" / name, width)
        take_shots(folder)


def commands(text: str) -> list[str]:
    """Returns the commands of a page that are run."""
    joined = "".join(CONSOLE.findall(text)).replace("\\\n", "")
    return re.findall(r"^\$ (.+)$", joined, re.MULTILINE)


def take_shots(folder: Path) -> None:
    """Takes pictures of pages in a browser."""
    sys.path.insert(0, str(DOCS.parent / "tests"))
    import browser

    with browser.opened(folder / "profile") as tab:
        for picture, (page, top, (width, height)) in SHOTS.items():
            tab.open(folder / page, width=width, height=height)
            tab.scroll_to(top)
            taken = folder / "taken.png"
            tab.screenshot(taken, whole=False)
            write(taken, DOCS / "images" / picture, width)


def write(source: Path, target: Path, width: int) -> None:
    """Writes a picture as JPEG, no wider than so many pixels."""
    image = cv2.imread(str(source))
    if (share := width / image.shape[1]) < 1:
        image = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(target), image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    print(target.relative_to(DOCS.parent), f"{target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
