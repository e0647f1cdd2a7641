// Joules of the front and of pinned trials by stage and by domain, as bars of one scale.
page.section("parts", ({ stages, steps }, root) => {
  const MOST = 16; // members that are drawn; of more, bars cannot be told apart

  // What the objective charges of each stage, by domain; its own joules of an image as they are.
  function charged(row) {
    const { name, images } = page.now.objective;
    const found = {};
    for (const stage of stages) {
      const parts = row.stages[stage];
      if (!parts || (stage === "infer" ? name === "training" : name === "inference")) continue;
      const whole = Object.values(parts).reduce((sum, part) => sum + part, 0);
      const joules = stage === "infer" ? row.image.joules * (name === "lifetime" ? images : 1) : whole;
      found[stage] = Object.fromEntries(Object.entries(parts)
        .map(([domain, part]) => [domain, whole ? (part / whole) * joules : 0]));
    }
    return found;
  }

  function sums(rows) {
    const [byStage, byDomain] = [{}, {}];
    rows.forEach((row, place) => {
      for (const [stage, parts] of Object.entries(charged(row))) {
        for (const [domain, joules] of Object.entries(parts)) {
          (byStage[stage] ??= rows.map(() => 0))[place] += joules;
          (byDomain[domain] ??= rows.map(() => 0))[place] += joules;
        }
      }
    });
    const ordered = Object.fromEntries(stages.filter((stage) => stage in byStage).map((stage) => [stage, byStage[stage]]));
    return { byStage: ordered, byDomain };
  }

  function bars(id, parts, rows) {
    const node = page.byId(id);
    if (!node) return;
    const { theme, format } = { theme: page.theme(), format: page.format };
    node.style.height = `${9 + 1.7 * rows.length}rem`;
    const traces = Object.entries(parts).map(([name, joules], k) => ({
      type: "bar",
      orientation: "h",
      name: format.escaped(name),
      x: joules,
      y: rows.map((row) => `trial ${row.trial}`),
      customdata: rows.map((row) => row.trial),
      text: joules.map((value) => format.joules(value)),
      textposition: "none",
      marker: { color: theme.palette[k % theme.palette.length], line: { color: theme.paper, width: 1 } },
      hovertemplate: `%{y}: %{text} of ${format.escaped(name)}, ${page.data.quality}<extra></extra>`,
    }));
    page.plot(node, traces, {
      barmode: "stack",
      bargap: 0.3,
      showlegend: true,
      legend: { orientation: "h", x: 0, xref: "paper", y: 1, yref: "paper", yanchor: "bottom", traceorder: "normal" },
      margin: { t: page.narrow.matches ? 72 : 40 },
      xaxis: { title: { text: `joules, ${page.data.quality}` }, rangemode: "tozero" },
      yaxis: { type: "category", ticklabelstandoff: 6, showgrid: false, autorange: "reversed" },
    }).then(page.pinning);
  }

  function table(rows, byStage) {
    const { joules } = page.format;
    const columns = [
      ["trial", (row) => row.trial],
      [`joules (${page.data.quality})`, (row) => joules(row.joules, row.uncertainty)],
      ...Object.entries(byStage).map(([stage, values]) => [stage, (_, place) => joules(values[place])]),
      ["per iteration", (row) => joules(steps[row.trial]?.[0] ?? null)],
      ["per update", (row) => joules(steps[row.trial]?.[1] ?? null)],
      ["per image", (row) => joules(row.perImage)],
    ];
    const head = columns.map(([title]) => `<th scope="col">${page.format.escaped(title)}</th>`).join("");
    const lines = rows.map((row, place) =>
      `<tr>${columns.map(([, text]) => `<td>${page.format.escaped(text(row, place))}</td>`).join("")}</tr>`);
    page.byId("parts-table").innerHTML = `<table><thead><tr>${head}</tr></thead><tbody>${lines.join("")}</tbody></table>`;
  }

  page.follow(root, ["objective", "pin"], () => {
    const { front, byTrial } = page.now;
    const members = page.thinned(front, MOST);
    const pinned = page.pinned.map((trial) => byTrial.get(trial)).filter(Boolean);
    const rows = [...new Set([...members, ...pinned])].sort((a, b) => a.joules - b.joules);
    const { byStage, byDomain } = sums(rows);
    for (const place of root.querySelectorAll(".parts-objective")) place.textContent = page.ofObjective();
    bars("stages-figure", byStage, rows);
    bars("domains-figure", byDomain, rows);
    table(rows, byStage);
    const which = members.length < front.length ? `${members.length} of ${front.length} members of the front, evenly` : "The members of the front";
    page.byId("parts-shown").textContent = `${which}, cheapest first, and what is pinned: a click on any point of the page shows it here.`;
  });
});
