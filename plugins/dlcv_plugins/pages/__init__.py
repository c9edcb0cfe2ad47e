"""Pages that people open in a browser: one file each, readable offline, nothing from elsewhere."""

import base64
import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcv import files, images

if TYPE_CHECKING:
    import numpy as np

LARGEST_SIDE_PIXELS = 160
"""Of a thumbnail; more than is shown, for sharp screens and print."""
FEW_BARS = 40
"""More bars have no room for a number above each."""
FEW_PIXELS = 48
JPEG_QUALITY = 80


def render(template: str, *, script: str | Sequence[str] = (), **values: Any) -> str:
    """Returns a page, made from a template in this folder that extends `base.html`.

    Values are escaped: a file name or a class name can't add elements to the page.

    Args:
        template: The template's name.
        script: The name of a script in this folder, or several: no other runs on the page.
        values: What the template mentions, besides dlcv's version.
    """
    import jinja2
    import markupsafe

    names = (script,) if isinstance(script, str) else script
    texts = [(Path(__file__).parent / name).read_text(encoding="utf-8") for name in names]
    # In blocks of their own, scripts may use the same names.
    content = texts[0] if len(texts) == 1 else "".join(f"{{\n{text}}}\n" for text in texts)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dlcv_plugins", "pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        script=markupsafe.Markup(content),
        script_hash=f"sha256-{digest}",
        **{"version": version("dlcv"), **values},
    )


def write(path: Path, page: str) -> None:
    """Writes a page; what can't be written as UTF-8, as some file names, becomes a `?`.

    Raises:
        WriteError: the file can't be written.
    """
    files.write_atomically(path, page.encode(errors="replace"))


def thumbnail(image: "np.ndarray", side: int = LARGEST_SIDE_PIXELS) -> str:
    """Returns an image made small as a `data:` address, to be put into a page.

    Args:
        image: `(H, W, 3)` or `(H, W, 1)` uint8.
        side: What neither height nor width exceeds, in pixels.
    """
    import cv2
    import numpy as np

    height, width = image.shape[:2]
    share = min(1.0, side / max(height, width))
    size = (max(1, round(share * height)), max(1, round(share * width)))
    small = np.ascontiguousarray(images.resize(image, size)[..., ::-1])
    # Few pixels are kept as they are, for they are shown large.
    if max(height, width) <= FEW_PIXELS:
        kind, options = "png", []
    else:
        kind, options = "jpeg", [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    content = cv2.imencode(f".{kind}", small, options)[1].tobytes()
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
