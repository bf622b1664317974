"""What the server of a pool's workers imports once: the framework and the modules that its environment names."""

import os
from importlib import import_module

from pitfalls.lab.frameworks import SESSIONS, load
from pitfalls.startup import quick_imports
from pitfalls.workers.pool import PRELOAD

for name in os.environ.get(PRELOAD, "").split():
    if name in SESSIONS:
        load(name)
    else:
        with quick_imports():
            import_module(name)
