"""The fingerprint: the hash of all that a run's measurements depend on, by which a finished run is found again.

That is the code that all frameworks share, the code of the run's own framework, its resolved
configuration, and the installed versions of NumPy and of that framework. Another framework,
an edited formula or a pin of something else trains nothing again.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from pitfalls.config.frameworks import LAB, versions_of
from pitfalls.config.schema import Config

BEARS_ON_NOTHING = ("tracking", "sweep", "retrain", "dry_run", "not_installed", "fingerprint")
"""Keys of a configuration that say where a run goes, and not what it measures."""


def fingerprint(config: Config) -> str:
    """Return the hash of a run, as its configuration, this code and these packages stand now."""
    values = {key: value for key, value in dataclasses.asdict(config).items() if key not in BEARS_ON_NOTHING}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    digest.update(json.dumps(versions_of(config.framework), sort_keys=True).encode())
    digest.update(code_digest(config.framework, LAB))
    return digest.hexdigest()[:16]


@lru_cache
def code_digest(framework: str, lab: Path) -> bytes:
    """Return the hash of the modules that bear on a run; taken once a process, before anything is trained."""
    digest = hashlib.sha256()
    for path in modules_of(framework, lab):
        digest.update(path.relative_to(lab).as_posix().encode() + path.read_bytes())
    return digest.digest()


def modules_of(framework: str, lab: Path) -> Iterator[Path]:
    """Yield the modules that frameworks share, Keras's among them, then the framework's own."""
    yield from sorted(lab.glob("*.py"))
    for folder in ("keras", framework):
        yield from sorted((lab / folder).rglob("*.py"))
