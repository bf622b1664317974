"""The house: which folder may import which, where each library and each private name may stand."""

import ast
import re
from pathlib import Path

import pytest
from house.walls import ROOT, SRC, circle_in, imported_names, imports, module_of

ROOTS = {"project", "errors", "files", "results", "startup"}

MAY_IMPORT = {
    "project": {"errors"},
    "errors": {"startup"},
    "startup": set(),
    "files": {"errors"},
    "results": {"project", "errors", "files"},
    "config": ROOTS,
    "runs": ROOTS | {"config"},
    "lab": ROOTS | {"config"},
    "workers": ROOTS | {"lab"},
    "claims": set(),
    "verdicts": ROOTS | {"claims"},
    "tracking": ROOTS | {"config", "runs", "verdicts"},
    "report": ROOTS | {"runs", "verdicts"},
    "stages": ROOTS
    | {"config", "runs", "lab", "workers", "claims", "verdicts", "tracking", "report", "guard"},
    "guard": set(),
    "doors": ROOTS | {"config", "verdicts", "workers", "report", "stages"},
}
"""For each folder or module of src/pitfalls what it may import besides itself; `doors` are src/*.py and hydra_plugins."""

LIBRARIES = {
    "tensorflow": {"lab/tensorflow", "guard/shapes"},
    "jax": {"lab/jax"},
    "torch": {"lab/torch"},
    "keras": {
        "lab/keras",
        "lab/tensorflow",
        "lab/jax",
        "lab/torch",
        "guard/shapes",
        "guard/rules/datasets.py",
    },
    "mlflow": {"tracking"},
    "matplotlib": {"tracking/pictures.py"},
    "rich": {"report"},
    "jinja2": {"report/page"},
    "flufl": {"runs/locks.py"},
    "pebble": {"workers/pool.py"},
    "submitit": {"workers/slurm.py"},
    "ray": {"workers/ray.py"},
    "pydantic": {
        "files.py",
        "results.py",
        "runs/folder.py",
        "verdicts/benchmarks.py",
        "verdicts/guard.py",
        "verdicts/records.py",
    },
}
"""For each library the folders and files of src/pitfalls that may import it; a watched PyDataset must be a subclass."""

PRIVATE = {
    "lab/tensorflow/private.py": {"tensorflow.python.eager.context"},
    "tracking/private.py": {
        "mlflow.store.db",
        "mlflow.store.db.base_sql_model",
        "mlflow.tracking.context.registry",
    },
    "config/composing.py": {"hydra._internal.config_loader_impl"},
    "../hydra_plugins/pitfalls_cells.py": {"hydra._internal.core_plugins.basic_sweeper"},
    "guard/shapes/private.py": {
        "keras.src.trainers.compile_utils",
        "tensorflow.python.framework.func_graph",
    },
}
"""For each marked file the private modules that it imports; nobody else imports any."""

IS_PRIVATE = re.compile(
    r"^(tensorflow\.python|keras\.src|hydra\._internal|mlflow\.(utils|tracking\.context|store))\b"
)


def folder_of(module: str) -> str:
    """Return the folder of a module, or its own name at the root of the package."""
    parts = module.split(".")
    return "doors" if parts[0] != "pitfalls" else parts[1] if len(parts) > 1 else "project"


def arrows_against_the_direction(graph) -> list[str]:
    """Return each import that goes to the right."""
    return [
        f"{module} -> {target}"
        for module, targets in graph.items()
        for target in sorted(targets)
        if target != "pitfalls"
        and folder_of(target) not in MAY_IMPORT[folder_of(module)] | {folder_of(module)}
    ]


def test_imports_go_one_way():
    """Each folder imports only from those to its left."""
    assert arrows_against_the_direction(imports()) == []


def test_no_imports_go_round_in_a_circle():
    """Not even inside functions or for types alone."""
    assert circle_in(imports()) == []


def copy_with(tmp_path: Path, module: str, line: str) -> Path:
    """Return a copy of the source in which a module imports something more, inside a function."""
    for path in SRC.rglob("*.py"):
        copy = tmp_path / path.relative_to(SRC)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    edited = tmp_path / "pitfalls" / module
    edited.write_text(f"{edited.read_text()}\n\ndef late():\n    {line}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("module", "line", "arrow"),
    [
        ("claims/closed_forms.py", "from pitfalls import results", "claims.closed_forms -> pitfalls.results"),
        ("report/words.py", "from pitfalls.lab import generators", "report.words -> pitfalls.lab.generators"),
        ("guard/findings.py", "import pitfalls.errors", "guard.findings -> pitfalls.errors"),
        ("lab/feeds.py", "from pitfalls.verdicts.run import judge", "lab.feeds -> pitfalls.verdicts.run"),
    ],
)
def test_an_import_to_the_right_would_be_seen(tmp_path, module, line, arrow):
    """The other side: by `from`, by its full name, inside a function."""
    assert arrows_against_the_direction(imports(copy_with(tmp_path, module, line))) == [f"pitfalls.{arrow}"]


def test_a_circle_would_be_seen(tmp_path):
    """Two modules of one folder, which the direction allows."""
    copy = copy_with(tmp_path, "claims/closed_forms.py", "from pitfalls.claims import twin")
    assert circle_in(imports(copy)) == [
        "pitfalls.claims.closed_forms", "pitfalls.claims.twin", "pitfalls.claims.closed_forms",
    ]  # fmt: skip


def importers(library: str, src: Path = SRC) -> set[str]:
    """Return the files below src/pitfalls that import a library."""
    package = src / "pitfalls"
    return {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any(name.split(".")[0] == library for name in imported_names(ast.parse(path.read_text())))
    }


@pytest.mark.parametrize(("library", "places"), LIBRARIES.items())
def test_a_library_is_imported_where_it_may_be_and_nowhere_else(library, places):
    """What judges and shows can be read and run without TensorFlow and MLflow."""
    seen = importers(library)
    assert seen
    assert {file for file in seen if not any(f"{file}/".startswith(f"{place}/") for place in places)} == set()


def test_another_importer_of_a_library_would_be_seen(tmp_path):
    """Also inside a function, and by `from`; a name that only begins alike is none."""
    copy = copy_with(tmp_path, "errors.py", "from mlflow.entities import Run; import mlflowers")
    assert importers("mlflow", copy) - importers("mlflow") == {"errors.py"}
    assert importers("mlflowers", copy) == {"errors.py"}


def private_imports(src: Path = SRC) -> dict[str, set[str]]:
    """Return for each file the private modules of other libraries that it imports."""
    found: dict[str, set[str]] = {}
    for path in src.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in filter(IS_PRIVATE.match, names):
                found.setdefault(name_of(path, src), set()).add(name)
    return found


def name_of(path: Path, src: Path) -> str:
    """Return a file's place as seen from src/pitfalls."""
    inside = path.relative_to(src)
    return Path(*inside.parts[1:]).as_posix() if inside.parts[0] == "pitfalls" else f"../{inside.as_posix()}"


def test_private_names_of_other_libraries_stand_in_marked_files():
    """This list is all of them: a release that moves one breaks one function, with a fallback or a loud error."""
    assert private_imports() == PRIVATE


def test_another_private_name_would_be_seen(tmp_path):
    """Inside a function too."""
    copy = copy_with(tmp_path, "lab/feeds.py", "from keras.src.backend import x")
    assert private_imports(copy)["lab/feeds.py"] == {"keras.src.backend"}


PRIVATE_ATTRIBUTES = {
    "tracking/private.py": {
        "_dispose_engine",
        "_get_alembic_config",
        "_to_mlflow_entity",
        "_tracking_client",
    },
    "config/composing.py": {"_apply_overrides_to_config"},
}
"""The private attributes of other libraries' objects that are used, in the same marked files."""

PUBLIC_ALL_THE_SAME = {"_exit", "_fields", "_target_"}
"""Documented names: of `os`, of named tuples, and Hydra's key."""


def private_attributes(src: Path = SRC) -> dict[str, set[str]]:
    """Return for each file the private attributes that it uses and that nothing of ours defines."""
    trees = {path: ast.parse(path.read_text()) for path in src.rglob("*.py")}
    ours = {name for tree in trees.values() for name in defined_in(tree)}
    found: dict[str, set[str]] = {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            name = node.attr if isinstance(node, ast.Attribute) else ""
            if re.match(r"_[^_]", name) and name not in ours | PUBLIC_ALL_THE_SAME:
                found.setdefault(name_of(path, src), set()).add(name)
    return found


def defined_in(tree: ast.AST) -> set[str]:
    """Return the names that a module defines or assigns, attributes of its own objects included."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.attr if isinstance(node, ast.Attribute) else node.id)
    return names


def test_private_attributes_of_other_libraries_are_used_in_marked_files():
    """A method of somebody else's class is as private as a module."""
    assert private_attributes() == PRIVATE_ATTRIBUTES


def test_another_private_attribute_would_be_seen(tmp_path):
    """On an object that is handed in."""
    copy = copy_with(tmp_path, "lab/feeds.py", "return drain._return_value")
    assert private_attributes(copy)["lab/feeds.py"] == {"_return_value"}


def test_every_module_has_a_place_in_the_plan():
    """A new folder is entered above, with what it may import."""
    assert {folder_of(module_of(path)) for path in SRC.rglob("*.py")} == set(MAY_IMPORT)
    assert len(list((SRC / "pitfalls").glob("*.py"))) <= 6


BARS = {"median": 7, "ninth of ten": 16, "longest": 50, "longest file": 300, "dict[str, Any]": 60}
"""Lines of functions and of files, and how often a dict may hold anything."""


def sizes(src: Path = SRC) -> dict[str, int]:
    """Return what is measured of the house."""
    texts = [path.read_text() for path in src.rglob("*.py")]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    lengths = sorted((node.end_lineno or 0) - node.lineno + 1 for node in nodes)
    return {
        "median": lengths[len(lengths) // 2],
        "ninth of ten": lengths[len(lengths) * 9 // 10],
        "longest": lengths[-1],
        "longest file": max(len(text.splitlines()) for text in texts),
        "dict[str, Any]": sum(text.count("dict[str, Any]") for text in texts),
    }


def test_the_house_stays_small():
    """Each measure within its bar."""
    assert {name: size for name, size in sizes().items() if size > BARS[name]} == {}
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) <= 220


def test_a_house_that_grows_would_be_seen(tmp_path):
    """One function of 60 lines, in a file of 400."""
    body = "\n".join(["def long():", *["    pass"] * 59, *["x: dict[str, Any]"] * 340])
    (tmp_path / "long.py").write_text(body)
    assert all(size > BARS[name] for name, size in sizes(tmp_path).items())


def test_batches_are_drawn_as_many_at_once_as_the_check_of_memory_takes():
    """Two homes for one number, as what is told cannot import what trains."""
    from pitfalls.config.refusals import BATCHES_DRAWN_AT_ONCE
    from pitfalls.lab.generators import BATCHES_A_DRAW

    assert BATCHES_DRAWN_AT_ONCE == BATCHES_A_DRAW
