// Accuracy over joules by technique and level; what is less accurate than asked for is hollow.
page.on("floor", (least) => {
  const slider = page.byId("efficiency-floor");
  if (slider && Number(slider.value) !== least) slider.value = least;
});
page.section("efficiency", (data, root) => {
  const MOST = 1500;
  const floor = page.byId("efficiency-floor");
  const kindOf = (row) => (row.level ? `${row.compression} ${page.format.general(row.level, 3)}` : "dense");
  const best = (rows) => rows.reduce((one, other) => (one && one.efficiency >= other.efficiency ? one : other), null);

  function say(winner, least) {
    page.byId("efficiency-value").textContent = least.toFixed(3);
    page.byId("efficiency-said").textContent = winner === null
      ? `No configuration has an accuracy of ${least.toFixed(3)}.`
      : `Of those with an accuracy of ${least.toFixed(3)} or more, trial ${winner.trial} (${kindOf(winner)}) is the most efficient: `
        + `accuracy ${winner.accuracy.toFixed(3)} for ${page.format.joules(winner.joules)} (${page.data.quality}), ${page.format.general(winner.efficiency, 3)} per joule.`;
  }

  function draw() {
    const theme = page.theme();
    const least = Number(floor.value);
    const rows = page.now.rows.filter((row) => row.efficiency !== null);
    const kinds = [...new Map(rows.map((row) => [kindOf(row), row])).entries()]
      .sort(([, a], [, b]) => (a.level ? a.compression : "").localeCompare(b.level ? b.compression : "") || a.level - b.level)
      .map(([name]) => name);
    // Side by side within a kind, by accuracy, so that its points do not lie upon each other.
    const [low, high] = rows.reduce(([a, b], { accuracy }) => [Math.min(a, accuracy), Math.max(b, accuracy)], [1, 0]);
    const x = (row) => kinds.indexOf(kindOf(row)) + 0.7 * ((row.accuracy - low) / (high - low || 1) - 0.5);
    const fits = rows.filter((row) => row.accuracy >= least);
    const winner = best(fits);
    say(winner, least);
    const drawn = new Set(page.thinned(rows, MOST));
    const split = (isFit) => rows.filter((row) => drawn.has(row) && row.accuracy >= least === isFit);
    page.plot("efficiency-figure", [
      page.points(split(false), x, (row) => row.efficiency, { symbol: "circle-open", size: 7, color: theme.faint }, { name: "below" }),
      page.points(split(true), x, (row) => row.efficiency, { size: 7, color: theme.mark, opacity: 0.8 }, { name: "above" }),
      page.points(winner ? [winner] : [], x, (row) => row.efficiency, { symbol: "star", size: 15, color: theme.second, line: { color: theme.paper, width: 1 } }, { name: "best" }),
    ], {
      xaxis: {
        title: { text: kinds.length > 1 ? "technique and level;<br>in each, accuracy grows to the right" : "accuracy grows to the right" },
        tickvals: kinds.map((_, index) => index), ticktext: kinds.map(page.format.escaped), range: [-0.5, kinds.length - 0.5], showgrid: false,
      },
      yaxis: { title: { text: "accuracy per joule" }, ...page.ratios(rows.map((row) => row.efficiency)) },
    }).then(page.pinning);
    page.byId("efficiency-objective").textContent = page.ofObjective();
    page.byId("efficiency-shown").textContent = drawn.size < rows.length
      ? `${page.format.grouped(drawn.size)} of ${page.format.grouped(rows.length)} are drawn, evenly; the best is of all.` : "";
  }

  floor.oninput = () => {
    page.emit("floor", Number(floor.value));
    draw();
  };
  page.follow(root, ["objective", "floor"], draw);
});
