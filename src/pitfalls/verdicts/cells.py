"""Judging: every result on disk is verified again, and the verdicts are gathered by cell.

Reads result.json and probe.json and nothing else; writes verdict.json beside each result
and reports/verdicts.json. A result that cannot be read is a cell that fails.
"""

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

from pitfalls.claims import closed_forms as expectations
from pitfalls.errors import ResultError
from pitfalls.project import AXES, listed_listings, listed_runs, place_of
from pitfalls.results import find_results, json_text, read_json, read_result, write_json
from pitfalls.startup import quick_imports
from pitfalls.verdicts.run import judge, mechanism_of

SCHEMA = 1

PROBE_KEYS = ("listing", "yields", "labels", "fits", "shares_memory")

Guard = dict[tuple[str, str, str], list[dict[str, Any]]]
"""What the guard found on each (runtime, generator, model); a cell that is not in it was not checked."""

Changed = tuple[Path, dict[str, Any], dict[str, Any]]
"""Where a verdict.json is to be written again, the result and the verdict."""

Judged = tuple[dict[str, Any], dict[str, Any]]
"""A result and its verdict."""


def read_guard(path: Path) -> Guard:
    """Return what the guard's check found, nothing if it has not run.

    What it could not check counts as a finding of the rule `error`, which no cell expects.

    Raises:
        ResultError: The file is damaged.
    """
    if not path.exists():
        return {}
    checked = read_json(path)
    try:
        on_generator = {one["generator"]: findings_of(one) for one in checked["generators"]}
        return {
            (one["runtime"], one["generator"], one["model"]): on_generator[one["generator"]]
            + findings_of(one)
            for one in checked["models"]
        }
    except (KeyError, TypeError) as error:
        raise ResultError(
            f"{path} is no report of the guard: {error!r}.\nRun python src/check.py."
        ) from error


def findings_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a report's findings, or the reason why there are none to be had."""
    if report["status"] == "error":
        return [{"rule": "error", "array": "", "message": " ".join(report["not_checked"]), "fix": ""}]
    return list(report["findings"])


def with_guard(verdict: dict[str, Any], result: dict[str, Any], guard: Guard) -> dict[str, Any]:
    """Join a run's verdict with what the guard fired on its cell, which must be what its mechanism calls for."""
    cell = result["cell"]
    found = guard.get((cell["runtime"], cell["generator"], cell["model"]))
    if found is None:
        return verdict | {"guard": None}
    fired = sorted({finding["rule"] for finding in found})
    expected = expectations.expected_rules(mechanism_of(result))
    joined = verdict | {"guard": {"fired": fired, "expected": expected}}
    if fired != expected:
        told, wanted = (", ".join(rules) or "nothing" for rules in (fired, expected))
        reason = f"the guard fired {told}, where it must fire {wanted}"
        joined |= {"verdict": "fail", "reasons": [*verdict["reasons"], reason]}
    return joined


def judge_sweep(runs: Path, sweep: str, guard: Guard) -> tuple[list[Judged], list[str], list[Changed]]:
    """Verify every result of a sweep.

    Args:
        runs: The folder of all sweeps.
        sweep: Its name.
        guard: What the guard found on each cell.

    Returns:
        The judged results, each with the keys that its sweep varied besides the axes; a message
        for each result that cannot be read; and those whose verdict.json is to be written again.
    """
    judged: list[Judged] = []
    damaged: list[str] = []
    changed: list[Changed] = []
    for path in find_results(runs, sweep):
        try:
            result = read_result(path)
            verdict = with_guard(judge(result).as_json(), result, guard)
        except ResultError as error:
            damaged.append(str(error).replace(f"{runs.parent}/", ""))
            continue
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            damaged.append(
                f"{path.relative_to(runs.parent)} cannot be judged: {error!r}. Train the cell again."
            )
            continue
        swept = " ".join(part for part in path.parts if part.startswith("@"))
        judged.append((result | {"swept": swept}, verdict))
        beside = path.with_name("verdict.json")
        if not beside.exists() or beside.read_text() != json_text(verdict):
            changed.append((beside, result, verdict))
    return judged, damaged, changed


def gather(judged: list[Judged]) -> list[dict[str, Any]]:
    """Return one entry a cell and settings, over its seeds, in the order of params.yaml.

    The claim and the measured loss are means over seeds (a race's claim follows each
    run's own q), the interval is from the lowest to the highest seed, and the tolerance is that of
    one run. A cell passes if each of its runs does.
    """
    cells: dict[tuple[str, ...], list[Judged]] = defaultdict(list)
    place = place_of()
    for result, verdict in sorted(judged, key=lambda one: place(one[0]["cell"])):
        settings = json_text([result["task"], result["training"], result.get("swept", "")])
        cells[(*cell_of(result), settings)].append((result, verdict))
    return [entry(runs) for runs in cells.values()]


def cell_of(result: dict[str, Any]) -> tuple[str, str, str]:
    """Return the runtime, generator and model of a result."""
    runtime, generator, model = (result["cell"][axis] for axis in AXES)
    return runtime, generator, model


def entry(runs: list[Judged]) -> dict[str, Any]:
    """Return the entry of one cell."""
    runs = sorted(runs, key=lambda run: run[0]["cell"]["seed"])
    results, verdicts = zip(*runs, strict=True)
    losses = [result["final_loss"] for result in results]
    effects = sorted({verdict["effect"] for verdict in verdicts})
    claims = [verdict["claim"] for verdict in verdicts]
    failed = [f"seed {r['cell']['seed']}: {reason}" for r, v in runs for reason in v["reasons"]]
    cell = results[0]["cell"]
    return {
        "cell": {axis: cell[axis] for axis in ("runtime", "generator", "model")},
        "claim": claims[0] | {key: mean([claim[key] for claim in claims]) for key in ("loss", "tolerance")},
        "measured": mean(losses),
        "interval": [min(losses), max(losses)],
        "broken_rows": mean([result["broken_rows"] for result in results]),
        "seeds": [result["cell"]["seed"] for result in results],
        "effect": " or ".join(effects),
        "guard": verdicts[0].get("guard"),
        "swept": results[0].get("swept", ""),
        "verdict": "fail" if failed else "pass",
        "reasons": failed,
    }


def mean(values: list[float]) -> float:
    """Return the mean of a list of numbers."""
    return math.fsum(values) / len(values)


def gather_listings(judged: list[Judged], probes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the article's listings in order: what it printed, what was measured, claim, effect and verdict."""
    listings = []
    for result, verdict in judged:
        if result["listing"]:
            summary = entry([(result, verdict)])
            seen = {"loss": result["loss"], "prediction": result["prediction"], "seconds": result["seconds"]}
            listings.append({"listing": result["listing"], **summary, **seen})
    for probed in probes:
        good = probed["fits"] == expectations.LISTING_FITS[probed["listing"]]
        claim = {"kind": "probe", "fits": expectations.LISTING_FITS[probed["listing"]]}
        effect = "bites" if not all(probed["fits"]) else "clean"
        verdict_word = "pass" if good else "fail"
        listings.append(
            {
                "listing": probed["listing"],
                "claim": claim,
                "measured": probed["fits"],
                "effect": effect,
                "verdict": verdict_word,
            }
        )
    printed = expectations.ARTICLE_PRINTED
    return sorted(
        ({**listing, "printed": printed.get(listing["listing"], "")} for listing in listings),
        key=lambda one: one["listing"],
    )


def read_probes(runs: Path, sweep: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the probes of a sweep that belong to a listing, and a message for each that cannot be read."""
    probes, damaged = [], []
    for path in sorted((runs / sweep / "probe").glob("**/probe.json")):
        try:
            content = read_json(path)
            probed = {key: content[key] for key in PROBE_KEYS}
        except ResultError as error:
            damaged.append(str(error).replace(f"{runs.parent}/", ""))
        except (KeyError, TypeError) as error:
            damaged.append(f"{path.relative_to(runs.parent)} holds no probe: {error!r}. Probe again.")
        else:
            if probed["listing"] in expectations.LISTING_FITS:
                probes.append(probed)
    return probes, damaged


def verify_all(
    runs: Path, matrix: str, article: str, guard: Guard, params: Path | None = None
) -> tuple[dict[str, Any], list[Changed]]:
    """Verify the matrix, the article and the probes.

    Args:
        runs: The folder of all sweeps.
        matrix: The sweep that holds the matrix.
        article: The sweep that holds the article.
        guard: What the guard found on each cell.
        params: The params.yaml that says which runs and listings there must be, and that what
            else lies there is left over; None takes the sweeps as they are.

    Returns:
        The content of reports/verdicts.json, and the runs whose verdict is new.

    Raises:
        ResultError: There is no result at all.
    """
    cells, damaged_cells, changed_cells = judge_sweep(runs, matrix, guard)
    listings, damaged_listings, changed_listings = judge_sweep(runs, article, guard)
    probes, damaged_probes = read_probes(runs, article)
    damaged = damaged_cells + damaged_listings + damaged_probes
    if not (cells or listings or probes or damaged):
        raise ResultError(
            f"there is no result below {runs / matrix} or {runs / article}.\n"
            "Train first: `make reproduce`, or name another sweep with --matrix."
        )
    missing: list[str] = []
    if params is not None and params.exists():
        wanted = listed_runs(params)
        found = {(*cell_of(result), result["cell"]["seed"]) for result, _ in cells}
        cells = [run for run in cells if (*cell_of(run[0]), run[0]["cell"]["seed"]) in wanted]
        seen = {result["listing"] for result, _ in listings} | {probed["listing"] for probed in probes}
        missing = [" / ".join(map(str, run)) for run in sorted(wanted - found)]
        missing += [f"listing {number}" for number in sorted(listed_listings(params) - seen)]
    content = {
        "schema": SCHEMA,
        "cells": gather(cells),
        "listings": gather_listings(listings, probes),
        "probes": sorted(probes, key=lambda probed: probed["listing"]),
        "damaged": damaged,
        "missing": missing,
    }
    return content, changed_cells + changed_listings


def write_changed(changed: list[Changed], guard: Guard) -> None:
    """Put new verdicts, and what the guard found, on the runs of the local store, and then beside the results.

    In this order: a verdict that was written has reached its run, also if something ended in between.
    """
    tracked = [(result, verdict) for _, result, verdict in changed if result.get("mlflow_run_id")]
    if tracked:
        with quick_imports():
            from pitfalls.tracking import local_store, retag  # MLflow, only where verdicts changed

        retag(local_store(), tracked, guard)
    for path, _, verdict in changed:
        write_json(path, verdict)
