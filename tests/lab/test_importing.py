"""Quick imports: what Keras only tries is not found inside, everything is as before outside."""

import gc
import os
import subprocess
import sys

import pytest

from pitfalls.startup import ONLY_TRIED, quick_imports


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Give the name of a module that nothing has imported."""
    (tmp_path / "never_imported_before.py").write_text("A_LIST = [[]]\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "never_imported_before"
    sys.modules.pop("never_imported_before", None)


def test_keras_comes_without_what_it_only_tries_and_others_find_it_afterwards():
    """In a process of its own: Keras is imported once."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\n"
            "from pitfalls.startup import ONLY_TRIED, quick_imports\n"
            "with quick_imports():\n"
            "    import keras\n"
            "print([name in sys.modules for name in ONLY_TRIED])\n"
            "import sklearn, matplotlib.pyplot\n"
            "print(keras.layers.Dense(1).units)\n",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines() == [str([False] * len(ONLY_TRIED)), "1"]


def test_an_import_is_frozen_and_nothing_else_is(module):
    """What runs between two imports must stay collectable: a trained model is a cycle."""
    with quick_imports():
        assert not gc.isenabled()
    before = gc.get_freeze_count()
    with quick_imports():
        __import__("json")  # imported long ago
    assert gc.get_freeze_count() == before
    with quick_imports():
        __import__(module)
    assert gc.get_freeze_count() > before
    assert gc.isenabled()
    gc.unfreeze()


def test_a_failed_import_leaves_nothing_behind():
    """Neither a module that cannot be found, nor the collector off."""
    with pytest.raises(ModuleNotFoundError), quick_imports():
        __import__("no_such_module_anywhere")
    assert gc.isenabled()
    assert not [name for name in ONLY_TRIED if sys.modules.get(name, "absent") is None]


JAX_IS_TRIED = """
import os, sys
from pitfalls.startup import prepare, quick_imports
prepare()
if sys.argv[1] == "quick":
    with quick_imports():
        import tensorflow
else:
    import tensorflow
print("jax was imported" if os.path.exists(sys.argv[2]) else "jax was left alone")
"""


@pytest.mark.parametrize(("how", "said"), [("quick", "jax was left alone"), ("plain", "jax was imported")])
def test_tensorflow_comes_without_jax_where_jax_is_installed(tmp_path, how, said):
    """A second and a half, and a second framework in the process; a plain import brings it."""
    mark = tmp_path / "imported"
    (tmp_path / "jax.py").write_text(f"open({str(mark)!r}, 'w').close()\n__version__ = '0'\n")
    told = subprocess.run(
        [sys.executable, "-c", JAX_IS_TRIED, how, str(mark)],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines()[-1] == said
