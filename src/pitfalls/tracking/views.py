"""Views: what a newcomer sees first of an experiment: its runs flat, the telling columns and charts.

MLflow keeps a saved view as a tag of its experiment, and opens it by `viewStateShareKey`.
The keys of a view's state are those that the page's own "Save as new view" writes
(MLflow 3.17); a page that does not know one leaves it out. Column ids are the page's too.
"""

import json
from typing import Any

import mlflow

VIEW_KEY = "lab"

State = dict[str, Any]
"""What a page keeps of itself, or a part of it: keys and values are MLflow's."""

RUNS_WITHOUT_PARENTS = "tags.seed LIKE '%'"

WIDTHS = {
    "attributes.`Run Name`": 378,
    "runDateAndNestInfo": 44,  # the status; the date is on the run's page
    "tags.`listing`": 75,
    "tags.`sweep`": 75,
    "params.`generator.inputs_offset_bytes`": 75,
    "params.`feed.hand_over`": 150,
    "params.`feed.waits`": 70,
    "params.`load`": 55,
    "tags.`effect`": 76,
    "tags.`verdict`": 66,
    "metrics.`final_loss`": 85,
    "metrics.`claimed_loss`": 90,
    "metrics.`broken_rows`": 95,
    "duration": 80,
}
"""Pixels of each column, in the order of the page: they fit into a window of 1440.

Beside the assistant, which opens at a first visit, they fit as far as claimed_loss.
"""

MEASURED = [
    "tags.`effect`",
    "tags.`verdict`",
    "metrics.`final_loss`",
    "metrics.`claimed_loss`",
    "metrics.`broken_rows`",
]

SWEPT_IN_THE_LOTTERY = [column for column in WIDTHS if column.startswith("params.")]


def view_state(filter_text: str, order_by: str, ascending: bool, columns: list[str]) -> State:
    """Return the state of a page: which runs, in which order, with which columns and charts."""
    return {
        "searchFilter": filter_text,
        "orderByKey": order_by,  # any order but that of the page itself lists runs without their parents
        "orderByAsc": ascending,
        "selectedColumns": columns,
        "columnOrder": ["0", *(column for column in WIDTHS if "`" not in column or shown(column, columns))],
        "columnWidths": WIDTHS,
        "runsHiddenMode": "SHOW_ALL",
        "isAccordionReordered": True,  # else the page puts its own sections first
        "compareRunSections": [
            section("epochs", "Loss by epoch", columns=1),
            section("claims", "Claim, cause and loss", columns=2),
            section("others", "Model metrics") | {"display": False, "isGenerated": True},
        ],
        "compareRunCharts": [
            chart("LINE", "loss", "epochs")
            | {
                "metricKey": "loss",
                "selectedMetricKeys": ["loss"],
                "xAxisKey": "step",
                "xAxisScaleType": "linear",
                "scaleType": "linear",
                "yAxisKey": "metric",
                "yAxisExpressions": [],
                "range": {},
                "lineSmoothness": 0,
                "displayPoints": False,
                "useGlobalXaxisKey": True,
                "useGlobalLineSmoothing": True,
            },
            scatter("claimed_loss", "final_loss"),
            scatter("broken_rows", "final_loss"),
        ],
    }


def shown(column: str, columns: list[str]) -> bool:
    """Tell whether a column of attributes, metrics or tags is among those of a view."""
    return column in columns or column.startswith("attributes.")


def section(identity: str, name: str, columns: int = 3) -> State:
    """Return a section of charts, so many beside each other."""
    return {"uuid": identity, "name": name, "display": True, "isReordered": True, "columns": columns}


def chart(kind: str, identity: str, section_identity: str) -> State:
    """Return what charts of every kind have."""
    return {
        "type": kind,
        "uuid": identity,
        "metricSectionId": section_identity,
        "runsCountToCompare": 100,
        "deleted": False,
        "isGenerated": False,
    }


def scatter(across: str, upward: str) -> State:
    """Return a chart with a point for each run, one metric against another."""
    axes = {name: {"key": key, "type": "METRIC"} for name, key in (("xaxis", across), ("yaxis", upward))}
    return chart("SCATTER", f"{across}-{upward}", "claims") | axes


VIEWS = {
    "article": (
        "The listings",
        view_state(RUNS_WITHOUT_PARENTS, "tags.`listing`", True, ["tags.`listing`", *MEASURED]),
    ),
    "matrix": ("Every cell, seed 0", view_state("tags.seed = '0'", "tags.`mlflow.runName`", True, MEASURED)),
    "alignment": (
        "The alignment lottery",
        view_state(RUNS_WITHOUT_PARENTS, "tags.`mlflow.runName`", False, [*SWEPT_IN_THE_LOTTERY, *MEASURED]),
    ),
    "manual": (
        "Sweep by sweep",
        view_state(RUNS_WITHOUT_PARENTS, "tags.`sweep`", True, ["tags.`sweep`", *MEASURED]),
    ),
}
"""For each experiment, the name of its view and its state."""


def view_tags(experiment: str) -> dict[str, str]:
    """Return the tags that give an experiment its view."""
    name, state = VIEWS[experiment]
    content = {"name": name, "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)}
    return {f"mlflow.sharedViewState.{VIEW_KEY}": json.dumps(content)}


def view_links(client: mlflow.MlflowClient, experiment: str, server: str) -> dict[str, str]:
    """Return the links to an experiment's table and to its charts.

    Args:
        client: A client of the store.
        experiment: Its name; its id is the store's.
        server: Where MLflow answers, e.g. ``http://127.0.0.1:5000``.
    """
    found = client.get_experiment_by_name(experiment)
    assert found is not None, "client_for creates every experiment"
    table = (
        f"{server}/#/experiments/{found.experiment_id}/runs"
        f"?workflowType=machine_learning&viewStateShareKey={VIEW_KEY}"
    )
    return {"table": table, "charts": f"{table}&compareRunsMode=CHART"}
