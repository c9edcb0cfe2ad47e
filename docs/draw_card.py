"""Draws `card.jpg`, which is shown where somebody links to the site: `python docs/draw_card.py`."""

from pathlib import Path

from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

IMAGES = Path(__file__).parent / "images"
SIZE = (1200, 630)
"""What sites that show such pictures ask for, in pixels."""
TEAL, WHITE = "#00796b", "white"
LINES = (
    ("dlcv", 120, 70),
    ("From a folder of photographs\nto a classifier in use", 33, 250),
    ("dlcv run --arch resnet --preproc mean,patch", 21, 400),
)
"""What is written, its size, and how far from the top it begins, in pixels."""
LEFT = 60
PICTURE = 600
"""How far from the left the photographs begin."""


def main() -> None:
    """Writes `docs/images/card.jpg`."""
    card = Image.new("RGB", SIZE, TEAL)
    photographs = Image.open(IMAGES / "flowers.jpg").convert("RGB")
    width, height = photographs.size
    wanted = (SIZE[0] - PICTURE) / SIZE[1]
    cut = min(width, int(height * wanted))
    photographs = photographs.crop((0, 0, cut, int(cut / wanted)))
    card.paste(photographs.resize((SIZE[0] - PICTURE, SIZE[1])), (PICTURE, 0))
    draw = ImageDraw.Draw(card)
    font = font_manager.findfont("DejaVu Sans")
    for text, size, top in LINES:
        draw.multiline_text(
            (LEFT, top), text, WHITE, font=ImageFont.truetype(font, size), spacing=12
        )
    card.save(IMAGES / "card.jpg", quality=80)


if __name__ == "__main__":
    main()
