"""What the guard said before any training: of each generator, and of each cell.

Both come from the `check` stage, which may not have run: then there is nothing to show.
"""

from typing import Any

from pitfalls.guard.findings import RULES
from pitfalls.report.page.gathering import CellKey, Material, cell_key

QUIET = "quiet"


def guard_table(material: Material) -> dict[str, Any] | None:
    """Return a row for each generator with a mark for each rule, or None if the guard was not asked."""
    told = {one["generator"]: one for one in material.guard.get("generators", [])}
    if not told:
        return None
    listed = material.axes["generator"]
    names = [name for name in listed if name in told] + sorted(set(told).difference(listed))
    return {
        "rules": RULES,
        "rows": [
            {
                "generator": name,
                "failed": told[name]["status"] == "error",
                "marks": [mark(rule, told[name], models_with(name, material)) for rule in RULES],
            }
            for name in names
        ],
    }


def models_with(generator: str, material: Material) -> list[dict[str, Any]]:
    """Return what the guard said of each model that was fed by a generator."""
    return [one for one in material.guard.get("models", []) if one["generator"] == generator]


def mark(rule: str, on_generator: dict[str, Any], on_models: list[dict[str, Any]]) -> dict[str, Any]:
    """Say whether a rule fired: on the generator itself, or on how many of the models that it feeds."""
    if fired(rule, on_generator):
        return {"fires": True, "text": "fires"}
    models = sum(fired(rule, one) for one in on_models)
    return {"fires": models > 0, "text": f"{models} of {len(on_models)} cells" if models else QUIET}


def fired(rule: str, told: dict[str, Any]) -> bool:
    """Tell whether a rule is among the findings of a report."""
    return any(finding["rule"] == rule for finding in told["findings"])


def guard_says(entry: dict[str, Any], material: Material) -> dict[str, Any] | None:
    """Return what the guard said of a cell: the rules that fired, and the first finding in its own words.

    Args:
        entry: The cell in verdicts.json. Its `expected` tells which rules its mechanism calls for, or
            whether those that fired are the right ones.
        material: What the page is made of.
    """
    told = entry.get("guard")
    if not told:
        return None
    return {
        "fired": told["fired"],
        "as_expected": told["expected"] in (True, told["fired"]),
        "finding": next(iter(findings_on(cell_key(entry["cell"]), material)), None),
    }


def findings_on(key: CellKey, material: Material) -> list[dict[str, Any]]:
    """Return the findings on a cell: those of its generator, then those of its model."""
    reports = [one for one in material.guard.get("generators", []) if one["generator"] == key[1]]
    reports += [one for one in models_with(key[1], material) if cell_key(one) == key]
    return [finding for one in reports for finding in one["findings"]]
