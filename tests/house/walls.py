"""What the tests of the house read: which module imports which, from the source, also inside functions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from pitfalls.lab.frameworks import SESSIONS

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"

Graph = dict[str, set[str]]


def module_of(path: Path, src: Path = SRC) -> str:
    """Return a file's dotted name."""
    parts = path.relative_to(src).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield every dotted name that a module imports, also inside functions; `from a import b` as a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"a relative import of {node.module}: this house writes whole names"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports(src: Path = SRC) -> Graph:
    """Return for each module below src/ the modules of ours that it imports."""
    trees = {module_of(path, src): ast.parse(path.read_text()) for path in src.rglob("*.py")}

    def known(name: str) -> str | None:
        while name and name not in trees:
            name = name.rpartition(".")[0]
        return name or None

    graph = {
        module: {target for name in imported_names(tree) if (target := known(name)) and target != module}
        for module, tree in trees.items()
    }
    for module, targets in graph.items():
        if module == "pitfalls.lab.frameworks":
            targets.update(SESSIONS.values())  # imported by their names
    return graph


def reached_from(module: str, graph: Graph) -> set[str]:
    """Return every module that is loaded, sooner or later, when one runs; packages load their __init__."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in graph:
            continue
        reached.add(name)
        parent = name.rpartition(".")[0]
        waiting += [*graph[name], *([parent] if parent else [])]
    return reached


def named_in_conf(conf: Path = ROOT / "conf") -> set[str]:
    """Return the modules whose functions conf/ names."""
    texts = "\n".join(path.read_text() for path in conf.rglob("*.yaml"))
    for library in ("keras", "jax", "torch"):
        texts += texts.replace("${model.library}", library)
    return {name.rpartition(".")[0] for name in re.findall(r"^\s*_target_: (pitfalls\.[\w.]+)$", texts, re.M)}


def circle_in(graph: Graph) -> list[str]:
    """Return a chain of imports that ends where it began, nothing if there is none."""
    done: set[str] = set()

    def walk(name: str, chain: list[str]) -> list[str]:
        if name in chain:
            return [*chain[chain.index(name) :], name]
        if name in done:
            return []
        for target in sorted(graph.get(name, ())):
            if found := walk(target, [*chain, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := walk(name, []))), [])
