"""Quick imports: what Keras only tries is not found inside, everything is as before outside."""

import gc
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
