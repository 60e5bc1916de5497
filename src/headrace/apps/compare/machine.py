"""machine: what a comparison ran on, in words."""

from __future__ import annotations

import os
import platform
import sys


def machine() -> str:
    """Cores, Python, and torch with its threads if it was loaded."""
    cores = f"{os.cpu_count()} {platform.machine()} cores"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    torch = sys.modules.get("torch")
    if torch is None:
        return f"{cores}, {python}"
    threads = torch.get_num_threads()
    return f"{cores}, {python}, torch {torch.__version__} with {threads} thread{'s' * (threads > 1)}"
