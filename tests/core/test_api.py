"""What plugins may use of the core: every name is there, and costs nothing before it is used."""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from fake_packages import install, run_python

from dlcv import api, interfaces
from dlcv.packages import entry_points, origin

ADDED = sorted(point.name for point in entry_points("dlcv.api") if origin(point)[0] == "dlcv")
"""What the plugins that ship add."""


@pytest.mark.parametrize("name", [*api.__all__, *ADDED])
def test_each_name_of_the_api_is_there(name: str) -> None:
    assert getattr(api, name) is not None


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(api.__file__).read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    declared = [node.target.id for node in guarded.body if isinstance(node, ast.AnnAssign)]
    assert sorted(declared) == ADDED
    assert api._PLACES["table"] == "dlcv.cli.console:table"
    assert api._PLACES["checkpoints"] == "dlcv.training.checkpoints"


def test_packages_add_names_and_those_of_dlcv_keep_their_meaning(tmp_path: Path) -> None:
    points = {"brush": "acme:paint", "write_report": "acme:paint", "table": "acme:paint"}
    source = "def paint():\n    return 'painted'\n"
    install(tmp_path, "acme", {"api": points, "functions": points}, {"acme": source})
    code = """
        import dlcv
        from dlcv.api import brush, table, write_report

        print(brush(), dlcv.brush())
        print(table.__module__, write_report.__module__, dlcv.write_report is write_report)
        print("brush" in dir(dlcv) and "brush" in dir(dlcv.api))
    """
    done = run_python(tmp_path, "-c", textwrap.dedent(code))
    assert done.stdout.splitlines() == [
        "painted painted",
        "dlcv.cli.console dlcv_plugins.report.write True",
        "True",
    ], done.stderr
    done = run_python(tmp_path, "-c", "from dlcv.api import brush", DLCV_DISABLE="acme")
    assert "cannot import name 'brush' from 'dlcv.api'" in done.stderr


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match=r"dlcv\.api has no name tabel"):
        api.tabel  # noqa: B018


def test_what_a_command_declares_itself_with_imports_no_numpy_and_no_keras() -> None:
    code = (
        "import sys; from dlcv.api import RunConfig, config_options, table, with_verbosity; "
        "print(sorted({'numpy', 'keras', 'tensorflow'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_interfaces_have_what_packages_add_and_nothing_else() -> None:
    assert interfaces.load_weights.__module__ != "dlcv.interfaces"
    with pytest.raises(AttributeError, match="no installed package adds it"):
        interfaces.load_wieghts  # noqa: B018


def test_completion_shows_what_people_use_and_the_version() -> None:
    import importlib.metadata

    import dlcv

    assert dlcv.__version__ == importlib.metadata.version("dlcv")
    assert {"run", "load", "transfer", "check_data", "__version__"} <= set(dir(dlcv))
    assert not [name for name in dir(dlcv) if name in ("TYPE_CHECKING", "_LAZY", "packages")]
