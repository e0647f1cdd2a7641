// The share of the final front that was known, against all that had been spent by then.
page.section("growth", async ({ quality, total, trials, spent, share, gains }) => {
  const theme = page.theme();
  const line = {
    type: "scatter",
    mode: "lines",
    x: [0, ...spent, total],
    y: [0, ...share.map((part) => 100 * part), 100 * share.at(-1)],
    line: { shape: "hv", color: theme.mark, width: 2 },
    hoverinfo: "skip",
    showlegend: false,
  };
  const marks = {
    type: "scatter",
    mode: "markers",
    x: gains.map(({ step }) => spent[step]),
    y: gains.map(({ step }) => 100 * share[step]),
    customdata: gains.map(({ step }) => trials[step]),
    text: gains.map(({ step, gained, settings }) => [
      `<b>trial ${trials[step]}</b> brought ${page.format.percent(gained)}`,
      ...settings.map(page.format.escaped),
      `<br>${page.format.joules(spent[step])} spent by then, ${quality}`,
    ].join("<br>")),
    hovertemplate: "%{text}<extra></extra>",
    marker: { color: theme.mark, size: 9, line: { color: theme.paper, width: 1 } },
    showlegend: false,
  };
  await page.plot("growth-figure", [line, marks], {
    xaxis: { title: { text: `joules spent, ${quality}` }, rangemode: "tozero" },
    yaxis: { title: { text: "% of the final front" }, range: [0, 104] },
  });
  page.pinning(page.byId("growth-figure"));
});
