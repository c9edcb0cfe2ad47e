"""A plugin for each network of KerasHub's family, which takes the presets of that network alone."""

import json
from typing import ClassVar, Self

from dlcv.errors import DlcvError
from dlcv.interfaces import option, plugin
from dlcv_plugins.architectures.kerashub import KerasHub
from dlcv_plugins.architectures.kerashub_family import NETWORKS, summary


@plugin
class KerasHubNetwork(KerasHub):
    """A network of KerasHub with a preset to begin with."""

    network: ClassVar[str]

    def prepare(self) -> Self:
        """Fills in the configuration; a preset of another network is a `DlcvError`."""
        prepared = super().prepare()
        # It is `keras_hub>ViTBackbone`, or `keras_hub>CLIPVisionEncoder`.
        found = json.loads(prepared.config or "")["name"].partition(">")[2]
        if found not in (f"{self.network}Backbone", f"{self.network}VisionEncoder"):
            raise DlcvError(
                f"kerashub_{self.network.lower()}: {self.preset} is a {found}; "
                f"use kerashub(preset={self.preset!r})"
            )
        return prepared


def _plugins() -> dict[str, type[KerasHubNetwork]]:
    """Returns a plugin class for each network."""
    return {
        network: plugin(
            type(
                network,
                (KerasHubNetwork,),
                {
                    "__doc__": summary(network),
                    "__module__": __name__,
                    "__annotations__": {"preset": str},
                    "network": network,
                    "preset": option(
                        preset, help=f"a preset of {network}: its name, folder or address"
                    ),
                },
            )
        )
        for network, (preset, _) in NETWORKS.items()
    }


globals().update(_plugins())
