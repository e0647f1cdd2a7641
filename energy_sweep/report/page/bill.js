// Joules by stage: spent, beside what the trials would have cost one by one.
page.section("bill", ({ quality, stages, spent, alone }) => {
  const theme = page.theme();
  const order = [...stages].reverse();
  const bars = (name, joules, color) => ({
    type: "bar",
    orientation: "h",
    name,
    x: [...joules].reverse(),
    y: order,
    text: [...joules].reverse().map((value) => page.format.joules(value)),
    textposition: "outside",
    cliponaxis: false,
    marker: { color },
    hovertemplate: `%{y}: %{text} ${quality} ${name}<extra></extra>`,
  });
  page.plot("bill-figure", [
    bars("one by one", alone, theme.faint),
    bars("spent", spent, theme.mark),
  ], {
    margin: { r: 64 }, // for the number beside the longest bar
    barmode: "group",
    bargap: 0.35,
    legend: { traceorder: "reversed" },
    xaxis: { title: { text: `joules, ${quality}` }, rangemode: "tozero" },
    yaxis: { ticklabelstandoff: 8 },
  });
});
