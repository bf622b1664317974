"""The plotting library, as part of a page."""

import re
from pathlib import Path

from markupsafe import Markup

VENDOR = Path(__file__).parent / "vendor"

VENDORED = ("vega", "vega-lite", "vega-embed")
"""Its parts, in the order in which they need each other."""


def vendored_scripts() -> list[Markup]:
    """Return the plotting library, one script after the other."""
    return [script(VENDOR / f"{name}.min.js") for name in VENDORED]


def script(path: Path) -> Markup:
    """Return a script as part of a page, without the link to its source map."""
    text = path.read_text(encoding="utf-8")
    return Markup(re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE))
