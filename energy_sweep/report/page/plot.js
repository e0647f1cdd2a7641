// Figures with one look: Plotly, our fonts and colours, and nothing that leaves this machine.
(() => {
  function base(theme) {
    return {
      font: { family: theme.font, size: 13, color: theme.ink },
      margin: page.narrow.matches ? { l: 50, r: 8, t: 16, b: 48 } : { l: 64, r: 16, t: 24, b: 56 },
      paper_bgcolor: theme.paper,
      plot_bgcolor: theme.paper,
      colorway: theme.palette,
      // Without a colour of its own, the text takes that of the border.
      hoverlabel: {
        bgcolor: theme.paper,
        bordercolor: theme.soft,
        align: "left",
        font: { color: theme.ink, family: theme.font, size: 13 },
      },
      modebar: { color: theme.soft, activecolor: theme.ink, bgcolor: "rgba(0,0,0,0)" },
      hovermode: "closest",
      legend: {
        font: { size: 12 },
        ...(page.narrow.matches ? { orientation: "h", x: 0, xref: "container", y: 0, yref: "container" } : {}),
      },
    };
  }

  const axis = (theme) => ({
    gridcolor: theme.grid,
    linecolor: theme.line,
    tickcolor: theme.line,
    zeroline: false,
    automargin: true,
  });

  const isPlain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  function merged(first, second) {
    const both = { ...first };
    for (const [key, value] of Object.entries(second)) {
      both[key] = isPlain(value) && isPlain(both[key]) ? merged(both[key], value) : value;
    }
    return both;
  }

  // An axis over values: of ratios where they span some, with 1, 2 and 5 labelled.
  page.ratios = (values) => {
    const [low, high] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, 0]);
    if (!(low > 0 && high / low > 3)) return { type: "linear", nticks: 6, tickformat: "~g" };
    return { type: "log", tickformat: "~g", ...(high / low < 1000 ? { dtick: "D2" } : {}) };
  };

  // Draws into an element, or draws it anew; all that a layout does not say is ours.
  page.plot = (target, traces, layout = {}) => {
    const node = typeof target === "string" ? page.byId(target) : target;
    // What has buttons is no image to who listens to it.
    if (node.getAttribute("role") === "img") node.setAttribute("role", "figure");
    const theme = page.theme();
    const own = base(theme);
    for (const name of new Set(["xaxis", "yaxis", ...Object.keys(layout)])) {
      // A title keeps its distance from labels, however wide these are.
      if (/^[xy]axis\d*$/.test(name)) own[name] = { ...axis(theme), ...(name[0] === "y" ? { title: { standoff: 10 } } : {}) };
    }
    // A figure that is drawn anew keeps the height it had, whatever its place has become.
    return Plotly.react(node, traces, merged(own, layout), page.data.config).then(() =>
      (Math.abs(node._fullLayout.height - node.clientHeight) > 1 ? Plotly.Plots.resize(node) : node));
  };
})();
