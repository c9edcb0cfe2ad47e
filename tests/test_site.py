"""The documentation as a site: built without warnings, whole, and without anything from elsewhere.

    DLCV_EDIT_URI=https://HOST/OWNER/dlcv/edit/main/docs/ mkdocs build --strict

Material's own search and dark mode are Material's to test.
"""

import contextlib
import functools
import http.server
import json
import os
import posixpath
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import attrs
import browser
import pytest

ROOT = Path(__file__).parents[1]
EDIT = "https://example.org/dlcv/edit/main/docs/"
SITE = "https://example.org/dlcv/"
TWO_SCREENS = 900
"""Words of a page, with some 300 around its text, that no longer fit on two screens."""
MIKE = "from mike.driver import main; main()"
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
        contents: Anchors that the contents list leads to.
        metadata: What the page tells other programs about itself, such as `og:image`.
        words: How many words the page has, with those around its text.
        classes: Classes of its elements.
    """

    links: set[str] = attrs.field(factory=set, init=False)
    loaded: set[str] = attrs.field(factory=set, init=False)
    anchors: set[str] = attrs.field(factory=set, init=False)
    contents: set[str] = attrs.field(factory=set, init=False)
    metadata: dict[str, str] = attrs.field(factory=dict, init=False)
    words: int = attrs.field(default=0, init=False)
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
        if "md-nav__link" in given.get("class", "") and given.get("href", "").startswith("#"):
            self.contents.add(given["href"][1:])
        if "content" in given:
            self.metadata[given.get("property") or given.get("name", "")] = given["content"]

    def handle_data(self, text: str) -> None:
        self.words += len(text.split())


def test_site_is_built_without_warnings_and_each_address_leads_somewhere(tmp_path):
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", tmp_path]
    settings = {"DLCV_EDIT_URI": EDIT, "DLCV_SITE_URL": SITE, "NO_MKDOCS_2_WARNING": "1"}
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
        assert page.words < TWO_SCREENS or len(page.contents) > 1, f"{name} has no contents list"
        card = page.metadata["og:image"].removeprefix(SITE)
        assert (tmp_path / card).is_file(), f"{name} has no picture: {card}"
    first = pages["tutorial/first-run/index.html"]
    assert f"{EDIT}tutorial/first-run.md" in first.links


def test_an_address_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "how-to").mkdir()
    (tmp_path / "how-to" / "index.html").write_text('<h2 id="there">There</h2>')
    (tmp_path / "picture.jpg").write_bytes(b"")
    pages = {"how-to/index.html": read(tmp_path / "how-to" / "index.html"), "index.html": Page()}
    for address in ("../how-to/#there", "../picture.jpg", "#there", "https://example.org/gone"):
        assert is_there(address, "how-to/index.html", pages, tmp_path)
    for address in ("../how-to/#gone", "#gone", "../gone/", "../gone.jpg"):
        assert not is_there(address, "how-to/index.html", pages, tmp_path)


@pytest.mark.slow
def test_each_version_keeps_its_site_and_the_selector_shows_them(tmp_path):
    pytest.importorskip("mike")
    copied = tmp_path / "dlcv"
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in ("docs", "core", "plugins"):
        shutil.copytree(ROOT / name, copied / name, ignore=ignored)
    shutil.copy(ROOT / "mkdocs.yml", copied)
    author = {f"GIT_{who}_{what}": "dlcv@example.org" for who in ("AUTHOR", "COMMITTER")
              for what in ("NAME", "EMAIL")}  # fmt: skip
    # mike calls the program `mkdocs`, which need not be where this Python has its own.
    program = tmp_path / "bin" / "mkdocs"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mkdocs "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join((str(program.parent), os.environ["PATH"]))
    settings = {"DLCV_VERSIONS": "mike", "DLCV_SITE_URL": SITE, "NO_MKDOCS_2_WARNING": "1"}
    settings["PATH"] = path
    environment = {**os.environ, **author, **settings}
    run = functools.partial(subprocess.run, cwd=copied, env=environment, check=True)
    run(["git", "init", "-q"])
    run(["git", "commit", "-q", "--allow-empty", "-m", "first"])
    for version in ("0.1", "0.2"):
        run([sys.executable, "-c", MIKE, "deploy", "-u", version, "latest"])
    run(["git", "checkout", "-q", "gh-pages"])
    listed = json.loads((copied / "versions.json").read_text())
    assert [(row["version"], row["aliases"]) for row in listed] == [
        ("0.2", ["latest"]),
        ("0.1", []),
    ]
    for version in ("0.1", "0.2", "latest"):
        page = (copied / version / "index.html").read_text()
        assert '"version": {"default": "latest", "provider": "mike"}' in page
    for version in ("0.1", "0.2"):
        card = read(copied / version / "index.html").metadata["og:image"]
        assert card == f"{SITE}{version}/images/card.jpg"


ASK = """
(async (question) => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const box = document.querySelector("[data-md-component=search-query]");
  const meta = document.querySelector(".md-search-result__meta");
  const type = async (text) => {
    const before = meta.textContent;
    box.value = text;
    box.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true }));
    for (let i = 0; i < 40 && meta.textContent === before; i++) await wait(50);
    await wait(100);
  };
  box.focus();
  await type("");
  await type(question);
  return [...document.querySelectorAll(".md-search-result__list > li")].slice(0, 3)
    .map((item) => new URL(item.querySelector("a").href).pathname);
})(%s)
"""
"""What the site's search finds for a question: the first three pages."""


@pytest.mark.slow
@browser.required
def test_the_search_finds_the_pages_that_answer_questions(tmp_path):
    pytest.importorskip("material")
    build = [sys.executable, "-m", "mkdocs", "build", "--quiet", "-d", tmp_path / "site"]
    subprocess.run(build, cwd=ROOT, check=True)
    questions = tomllib.loads((ROOT / "tests" / "questions.toml").read_text())["questions"]
    missed = {}
    with served(tmp_path / "site") as address, browser.opened(tmp_path / "profile") as tab:
        tab.open(address)
        tab.evaluate("new Promise((done) => setTimeout(done, 2000))")  # The index is read.
        for question, answers in questions.items():
            found = [path.strip("/") for path in tab.evaluate(ASK % json.dumps(question))]
            if not set(answers) & set(found):
                missed[question] = found
    assert len(questions) >= 60
    assert missed == {}


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serves a folder as a site; gives its address."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


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
