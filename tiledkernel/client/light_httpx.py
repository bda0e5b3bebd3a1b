"""httpx without its command line.

`import httpx` also loads the `httpx` command, if what that needs is installed: rich and pygments cost more time
than all the rest of connecting. The command runs in a process of its own, which this does not touch.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

_COMMAND = "httpx._main"

if "httpx" not in sys.modules and _COMMAND not in sys.modules:
    sys.modules[_COMMAND] = cast("ModuleType", None)  # importing it fails, which httpx expects
    try:
        import httpx
    finally:
        del sys.modules[_COMMAND]
else:
    import httpx

__all__ = ["httpx"]
