// The share of the variance of accuracy and of joules that each axis explains alone.
page.section("importance", ({ axes, accuracy, joules }) => {
  const theme = page.theme();
  const bars = (name, shares, color) => ({
    type: "bar",
    orientation: "h",
    name,
    x: shares.map(([share]) => 100 * share),
    y: axes.map(page.format.escaped),
    marker: { color },
    customdata: shares.map(([, low, high]) => [100 * low, 100 * high]),
    hovertemplate: `%{y}: %{x:.0f} % of ${name} [%{customdata[0]:.0f}, %{customdata[1]:.0f}]<extra></extra>`,
    error_x: {
      type: "data",
      symmetric: false,
      array: shares.map(([share, , high]) => 100 * (high - share)),
      arrayminus: shares.map(([share, low]) => 100 * (share - low)),
      color: theme.ink,
      thickness: 1.2,
      width: 3,
    },
  });
  page.plot("importance-figure", [
    bars("accuracy", accuracy, theme.palette[0]),
    bars("joules", joules, theme.palette[1]),
  ], {
    barmode: "group",
    bargap: 0.35,
    legend: { orientation: "h", x: 0, xref: "paper", y: 1, yref: "paper", yanchor: "bottom" },
    margin: { t: 40 },
    xaxis: { title: { text: "% of the variance" }, range: [0, 102] },
    yaxis: { ticklabelstandoff: 8, showgrid: false, autorange: "reversed" },
  });
});
