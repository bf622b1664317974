"""The template of `dvc plots`: DVC's own loads the plotting library from a network.

DVC puts its figures into a template that .dvc/config names. This one carries the
library inside, so that a page written to any folder opens without a network.

    python -m pitfalls.report.page.offline
"""

from pathlib import Path

from pitfalls.files import write_text
from pitfalls.project import ROOT
from pitfalls.report.page.library import vendored_scripts

PLACE = ROOT / ".dvc" / "plots" / "offline.html"

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>pitfalls: dvc plots</title>
<link rel="icon" href="data:,">
{refresh_tag}
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; background: #fff; color: #1c2126; }
table { border-spacing: 1rem; }
.vega-embed summary { opacity: 0.6 !important; }
.vega-embed { max-width: 100%; overflow-x: auto; }
</style>
LIBRARY
</head>
<body>
<main>
<h1>Plots</h1>
{plot_divs}
</main>
</body>
</html>
"""


def page() -> str:
    """Return the template, with DVC's placeholders for its figures and without the one for its scripts."""
    library = "\n".join(f"<script>{script}</script>" for script in vendored_scripts())
    return PAGE.replace("LIBRARY", library)


def main(place: Path = PLACE) -> None:
    """Write the template."""
    write_text(place, page())


if __name__ == "__main__":
    main()
