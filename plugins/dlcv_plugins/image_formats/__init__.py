"""Formats of images beside JPEG, PNG, WebP and BMP: a module each, found by an entry point.

Entry points of the group `dlcv.image_formats` name modules with two functions that return None for
other formats: `size_of(content)`, the width and height in the header, and
`decode(content, channels=, bit_depth=)`, the pixels.
"""
