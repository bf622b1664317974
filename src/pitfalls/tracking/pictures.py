"""Pictures of one run: its loss against the claim, its answers against the truth."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pitfalls.results import Claim, Result
from pitfalls.verdicts.words import number


def loss_curve(result: Result, claim: Claim | None) -> Figure:
    """Draw the loss of each epoch with the claimed value as a line, if one is claimed."""
    figure = Figure(figsize=(7, 4))  # no layout engine: it would cost half of a picture's time
    axes = figure.add_axes((0.11, 0.13, 0.86, 0.78))
    axes.plot(range(1, len(result.loss) + 1), result.loss, marker=".", color="#0072B2", label="measured")
    if claim:
        axes.axhline(claim.loss, color="#D55E00", linestyle="--", label=f"claimed: {number(claim.loss)}")
    axes.set(title=str(result.cell), xlabel="epoch", ylabel="loss (mean square)")
    if min(result.loss) > 0 and max(result.loss) / min(result.loss) > 100:
        axes.set_yscale("log")
        axes.minorticks_off()  # these and powers in mathematical type would cost as much as all the rest
        axes.yaxis.set_major_formatter("{x:g}")
    axes.legend(loc="upper right")
    return with_few_ticks(figure)


def predictions(result: Result) -> Figure:
    """Draw a model's answers for a grid of inputs against their true means."""
    last = result.task.high - 1
    truths = [sum(pair) / 2 for pair in result.answers.inputs]
    figure = Figure(figsize=(5, 5))
    axes = figure.add_axes((0.13, 0.11, 0.84, 0.81))
    axes.plot([0, last], [0, last], color="#D55E00", linestyle="--", label="truth")
    axes.scatter(truths, result.answers.values, s=12, color="#0072B2", label="predicted")
    axes.set(xlabel="mean of the two inputs", ylabel="prediction", title="Predictions for a grid of inputs")
    axes.legend(loc="upper left")
    return with_few_ticks(figure)


def with_few_ticks(figure: Figure) -> Figure:
    """Give each axis at most three intervals: a tick costs as much as a curve."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "linear":
                axis.set_major_locator(MaxNLocator(3))
    return figure
