"""The flows, the command line, and what a program may use of them: `flows.open_workspace`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.workspace import Workspace, open_workspace

__all__ = ["Workspace", "open_workspace"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'flows' has no attribute {name!r}")
    from flows import workspace

    return getattr(workspace, name)
