"""Figures that a notebook shows by itself, and that show nothing to anybody else."""

# Plotly ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

from energy_sweep.front import PricedStudy
from energy_sweep.record import BadInput
from energy_sweep.report.answer_figures import growth_figure, importance_figure
from energy_sweep.report.figures import CONFIG, front_figure, objective_text

# What is drawn, and its title; all of one objective.
FIGURES = {
    "front": (front_figure, "accuracy against {joules}"),
    "importance": (importance_figure, "which axis matters for accuracy and {joules}"),
    "growth": (growth_figure, "how the front of accuracy and {joules} grew"),
}


def notebook_figure(priced: PricedStudy, what: str = "front") -> Any:
    """One of `FIGURES`, as a `plotly.graph_objects.Figure`; BadInput for another."""
    if what not in FIGURES:
        raise BadInput(f"what={what}: type one of {', '.join(FIGURES)}")
    from plotly import graph_objects  # which is slow to import

    class FrontFigure(graph_objects.Figure):
        """Has no button that uploads it."""

        def show(self, *arguments: Any, **settings: Any) -> Any:
            """As Plotly's, with our settings."""
            return super().show(*arguments, **{"config": CONFIG, **settings})

        def _repr_mimebundle_(
            self, include: Any = None, exclude: Any = None, validate: bool = True, **settings: Any
        ) -> Any:
            settings = {"config": CONFIG, **settings}
            bundle: Any = super()._repr_mimebundle_(include, exclude, validate, **settings)
            return bundle

        def _ipython_display_(self) -> None:
            self.show()

        def _repr_html_(self) -> str:
            # Plotly's own would load its script from the network.
            return self.to_html(full_html=False, include_plotlyjs=True, config=CONFIG)

    draw, words = FIGURES[what]
    plain = draw(priced)
    title = f"{priced.study.name}: {words.format(joules=objective_text(priced.objective))}"
    figure: Any = FrontFigure(data=plain["data"], layout=plain["layout"])
    figure.update_layout(title_text=title, width=860, height=520, margin_t=56)
    return figure
