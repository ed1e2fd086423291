"""Puts the server's policy language and rule of decision into what is built: its own files, not a copy of them."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CARRIED = ("policy", "decisions/__init__.py", "decisions/grants.py")


class CarryTheServersRules(BuildHookInterface[Any]):
    """From a checkout, where the server stands beside; a source distribution has the files in place already."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say which files are to be included, and where."""
        server = Path(self.root).parent.parent / "server" / "poolhouse"
        if version != "editable" and server.is_dir():
            build_data["force_include"] |= {str(server / path): f"poolhouse_client/{path}" for path in CARRIED}
