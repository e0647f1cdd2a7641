// Joules to an accuracy: for each value of an axis, the cheapest configuration that is as accurate.
page.section("target", (data, root) => {
  const MOST_TARGETS = 5;
  const { joules, general } = page.format;
  const choice = page.byId("target-axis");

  const cheapest = (rows) => rows.reduce((best, row) => (best && best.joules <= row.joules ? best : row), null);

  // The values of an axis in order, as they are typed.
  function valuesOf(axis) {
    const found = [...new Map(page.now.rows.map((row) => [page.value(row.params[axis]), row.params[axis]])).entries()];
    const isNumber = found.every(([, value]) => typeof value === "number");
    found.sort(([one, a], [other, b]) => (isNumber ? a - b : one.localeCompare(other)));
    return found.map(([text]) => text);
  }

  function say(name, line) {
    const reached = line.rows.map((row, place) => ({ row, value: line.values[place] })).filter(({ row }) => row);
    const order = [...reached].sort((a, b) => a.row.joules - b.row.joules);
    const [least, most] = [order[0], order.at(-1)];
    page.byId("target-said").textContent = `An accuracy of ${line.target.toFixed(3)} takes ${joules(least.row.joules)} (${page.data.quality}) with ${name} ${least.value}`
      + (most !== least ? `, and ${general(most.row.joules / least.row.joules, 3)} times as much with ${name} ${most.value}` : "")
      + `${reached.length < line.rows.length ? `; ${line.rows.length - reached.length} of ${line.rows.length} values do not reach it` : ""}.`;
  }

  page.follow(root, ["objective"], function draw() {
    const theme = page.theme();
    const axis = Number(choice.value);
    const values = valuesOf(axis);
    const members = page.now.front.filter((row) => row.accuracy >= page.data.floor.accuracy);
    const targets = [...new Set(page.thinned(members.length ? members : page.now.front, MOST_TARGETS).map((row) => row.accuracy))];
    const lines = targets.map((target) => ({
      target,
      values,
      rows: values.map((value) => cheapest(page.now.rows.filter((row) =>
        row.accuracy >= target && page.value(row.params[axis]) === value))),
    }));
    const colours = theme.ramp(lines.length);
    page.plot("target-figure", lines.map(({ target, rows }, place) => ({
      type: "scatter",
      mode: "lines+markers",
      name: `${target.toFixed(3)}`,
      x: values.map((_, at) => at),
      y: rows.map((row) => row && row.joules),
      customdata: rows.map((row) => row && row.trial),
      text: rows.map((row) => (row ? page.front.hover(row) : "")),
      hovertemplate: `<b>at least ${target.toFixed(3)}</b><br>%{text}<extra></extra>`,
      line: { color: colours[place], width: 2 },
      marker: { color: colours[place], size: 8 },
      error_y: { type: "data", array: rows.map((row) => row && row.own), color: colours[place], thickness: 1.1, width: 0 },
    })), {
      legend: { title: { text: "accuracy" } },
      showlegend: true,
      xaxis: { title: { text: page.data.axes[axis] }, tickvals: values.map((_, at) => at), ticktext: values.map(page.format.escaped), range: [-0.3, values.length - 0.7] },
      yaxis: { title: { text: `joules, ${page.data.quality}` }, ...page.ratios(lines.flatMap(({ rows }) => rows.filter(Boolean).map((row) => row.joules))) },
    }).then(page.pinning);
    // Of the accuracy of what is recommended, if it is one of the lines: else of the middle one.
    const chosen = page.now.chosen?.accuracy;
    if (lines.length) say(page.data.axes[axis], lines.find(({ target }) => target === chosen) ?? lines[Math.floor(lines.length / 2)]);
    page.byId("target-objective").textContent = page.ofObjective();
    choice.onchange = draw;
  });
});
