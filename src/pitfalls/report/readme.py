"""The README's results, written by the program from the verdicts of the last release.

python -m pitfalls.report.readme       rewrite them from reports/verdicts.json
"""

import re
from typing import Any

from pitfalls.config.schema import ROOT
from pitfalls.report import tables
from pitfalls.results import read_json, write_text

BEGIN, END = "<!-- results: written by make readme -->", "<!-- end of results -->"


def results(verdicts: dict[str, Any]) -> str:
    """Return the README's results: the matrix in short, and the article's listings.

    Args:
        verdicts: The content of reports/verdicts.json.
    """
    models = list(dict.fromkeys(entry["cell"]["model"] for entry in verdicts["cells"]))
    short: dict[tuple[str, str], dict[str, str]] = {}
    for entry in verdicts["cells"]:
        cell = entry["cell"]
        row = short.setdefault((cell["runtime"], cell["generator"]), {})
        mark = "" if entry["verdict"] == "pass" else ", **claim failed**"
        row[cell["model"]] = f"{tables.number(entry['measured'])} {entry['effect']}{mark}"
    rows = [[*names, *(row.get(model, "") for model in models)] for names, row in short.items()]
    return "\n\n".join(
        [
            tables.summary(verdicts),
            tables.markdown(("runtime", "generator", *models), rows),
            tables.listings_markdown(verdicts),
        ]
    )


def with_results(readme: str, verdicts: dict[str, Any]) -> str:
    """Return the README with its results written anew."""
    section = f"{BEGIN}\n\n{results(verdicts)}\n\n{END}"
    return re.sub(f"{BEGIN}.*{END}", lambda _: section, readme, flags=re.DOTALL)


if __name__ == "__main__":
    path = ROOT / "README.md"
    write_text(path, with_results(path.read_text(), read_json(ROOT / "reports" / "verdicts.json")))
