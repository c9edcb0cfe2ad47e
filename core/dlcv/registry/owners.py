"""Whose code it is: plugins within a configuration, and the owner of an error."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from dlcv.errors import DlcvError, PluginError, first_line
from dlcv.interfaces import Plugin
from dlcv.packages import OWN
from dlcv.registry.catalog import registry
from dlcv.registry.lookup import Descriptor


def provenance(plugins: Iterable[Plugin]) -> Iterator[Descriptor]:
    """Returns the descriptors of plugins and of the plugins in their options."""
    for plugin in plugins:
        yield registry.descriptor_of(plugin)
        for value in plugin.options().values():
            several = value if isinstance(value, tuple) else (value,)
            yield from provenance(v for v in several if isinstance(v, Plugin))


@contextmanager
def naming_owner(owner: Plugin | Descriptor, action: str) -> Iterator[None]:
    """Turns what goes wrong in another package's plugin into an error that names the package.

    An error in one of dlcv's own plugins, or of the program itself, is raised as it is: its
    traceback is for those who can mend it.

    Args:
        owner: Whose code runs in the block.
        action: What it does there, as in "recognizing photos".

    Raises:
        PluginError: something unexpected went wrong; `--debug` shows the traceback.
    """
    try:
        yield
    except (DlcvError, OSError, MemoryError):
        raise
    except Exception as error:
        found = registry.descriptor_of(owner) if isinstance(owner, Plugin) else owner
        if found.distribution in ("", OWN):
            raise
        raise PluginError(f"{found.title} failed {action}: {first_line(error)}") from error
