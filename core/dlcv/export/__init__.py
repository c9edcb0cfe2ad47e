"""Models that leave the house: networks in other formats, described so that anyone can use them."""
