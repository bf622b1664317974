"""What the server of a pool's workers imports once: the modules that its environment names."""

import os
from importlib import import_module

from pitfalls.startup import quick_imports
from pitfalls.workers.pool import PRELOAD

with quick_imports():
    for name in os.environ.get(PRELOAD, "").split():
        import_module(name)
