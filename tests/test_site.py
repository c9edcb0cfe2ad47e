"""The documentation as a site: built without warnings, whole, and without anything from elsewhere.

    DLCV_EDIT_URI=https://HOST/OWNER/dlcv/edit/main/docs/ mkdocs build --strict

Material's own search and dark mode are Material's to test.
"""

import os
import posixpath
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import attrs
import pytest

ROOT = Path(__file__).parents[1]
EDIT = "https://example.org/dlcv/edit/main/docs/"
LINKS = {"a": "href", "area": "href"}
"""What a reader may follow, by its element; what a page loads is in `LOADED`."""
LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


@attrs.define
class Page(HTMLParser):
    """What an HTML page refers to.

    Attributes:
        links: Addresses that a reader may follow.
        loaded: Addresses that the browser loads.
        anchors: Names within the page.
        classes: Classes of its elements.
    """

    links: set[str] = attrs.field(factory=set, init=False)
    loaded: set[str] = attrs.field(factory=set, init=False)
    anchors: set[str] = attrs.field(factory=set, init=False)
    classes: set[str] = attrs.field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.links.update(filter(None, [given.get(LINKS.get(tag, ""))]))
        if given.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.update(filter(None, [given.get(LOADED.get(tag, ""))]))
        self.anchors.update(filter(None, [given.get("id"), given.get("name")]))
        self.classes.update(given.get("class", "").split())


def test_site_is_built_without_warnings_and_each_address_leads_somewhere(tmp_path):
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", tmp_path]
    settings = {"DLCV_EDIT_URI": EDIT, "NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(build, cwd=ROOT, check=True, env={**os.environ, **settings})

    pages = {str(path.relative_to(tmp_path)): read(path) for path in tmp_path.rglob("*.html")}
    assert len(pages) > 40
    del pages["404.html"]  # Its addresses begin at the site's root.
    for name, page in pages.items():
        outside = {address for address in page.loaded if "//" in address}
        assert outside == set(), f"{name} loads from elsewhere"
        assert "mermaid" not in page.classes, f"{name}: Material would load mermaid from elsewhere"
        for address in page.links | page.loaded:
            assert is_there(address, name, pages, tmp_path), f"{name}: nothing is at {address}"
    first = pages["tutorial/first-run/index.html"]
    assert f"{EDIT}tutorial/first-run.md" in first.links


def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text())
    return page


def is_there(address: str, name: str, pages: dict[str, Page], site: Path) -> bool:
    """Returns whether an address on a page leads to a file, and to an anchor that is there."""
    if "//" in address or address.startswith(("data:", "mailto:")):
        return True
    target, anchor = urldefrag(urljoin(f"/{name}", address))
    target = unquote(target).lstrip("/")
    if (site / target).is_dir():
        target = posixpath.join(target, "index.html")
    if target not in pages:
        return (site / target).is_file()
    return not anchor or unquote(anchor) in pages[target].anchors
