// Accuracy and joules along each axis, as small multiples.
(() => {
  const MOST_LINES = 120;
  const MOST_POINTS = 500;
  const MOST_TICKS = 3.5;
  const FEW = 6; // numbers that are labelled one by one; of more, an axis is a scale

  const isNumber = (value) => typeof value === "number";
  // The values of an axis in their order: numbers first, then words.
  function valuesOf(rows, place) {
    const found = new Map(rows.map((row) => [page.value(row.params[place]), row.params[place]]));
    return [...found.values()].sort((a, b) => {
      if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
      return isNumber(a) ? a - b : page.value(a).localeCompare(page.value(b));
    });
  }

  // What follows from the rows of now is computed once for them.
  const known = new WeakMap();
  function once(name, make) {
    if (!known.has(page.now)) known.set(page.now, new Map());
    const found = known.get(page.now);
    if (!found.has(name)) found.set(name, make());
    return found.get(name);
  }

  // The axes along which the rows of now differ: where a row lies on each, and how it is labelled.
  page.scales = () => once("scales", () => page.data.axes.map((name, place) => {
    const values = valuesOf(page.now.rows, place);
    const texts = values.map(page.value);
    const rank = new Map(texts.map((text, index) => [text, index]));
    const at = (row) => rank.get(page.value(row.params[place]));
    const isScale = texts.length > FEW && values.every(isNumber);
    const isLog = isScale && values[0] > 0 && values.at(-1) / values[0] >= 10;
    return { name, place, values, texts, rank: at, isScale, isLog, x: isScale ? (row) => row.params[place] : at };
  }).filter(({ texts }) => texts.length > 1));

  // Rows that differ in one axis alone, in its order, two or more.
  page.families = ({ place, rank }) => once(`families ${place}`, () => {
    const found = new Map();
    for (const row of page.now.rows) {
      const key = JSON.stringify(row.params.map((value, other) => (other === place ? null : page.value(value))));
      if (!found.has(key)) found.set(key, []);
      found.get(key).push(row);
    }
    return [...found.values()].filter((rows) => rows.length > 1)
      .map((rows) => rows.sort((a, b) => rank(a) - rank(b)));
  });

  // The mean over all rows at each value of an axis.
  function means({ texts, rank }, of) {
    const [sums, counts] = [texts.map(() => 0), texts.map(() => 0)];
    for (const row of page.now.rows) {
      sums[rank(row)] += of(row);
      counts[rank(row)] += 1;
    }
    return sums.map((sum, index) => sum / counts[index]);
  }

  function traces(axis, families, others, theme) {
    const isLogged = page.isLogged(page.now.rows);
    return [["accuracy", "y"], ["joules", "y2"]].flatMap(([figure, yaxis]) => {
      const of = (row) => row[figure];
      const [shrink, grow] = figure === "joules" && isLogged ? [Math.log, Math.exp] : [Number, Number];
      const mean = means(axis, (row) => shrink(of(row))).map(grow);
      const lines = families.map((rows) => ({ x: rows.map(axis.x), y: rows.map(of) }));
      return [
        page.behind(lines, theme, { yaxis }),
        page.points(others, axis.x, of, { color: theme.faint, size: 4 }, { yaxis, name: "dominated" }),
        ...(axis.isScale ? [] : [{
          type: "scatter", mode: "lines", name: "mean", yaxis, hoverinfo: "skip", showlegend: false,
          x: axis.texts.map((_, index) => index), y: mean, line: { color: theme.ink, width: 2.5 },
        }]),
        page.points(page.now.front, axis.x, of, { color: theme.mark, size: 8, line: { color: theme.paper, width: 1 } }, { yaxis, name: "front" }),
      ];
    });
  }

  // A few of 1, 2, 5, 10, ... between the ends of some values: a small figure has no room for more.
  function few(values) {
    const [low, high] = [Math.floor(Math.log10(values[0])), Math.ceil(Math.log10(values.at(-1)))];
    const powers = Array.from({ length: high - low + 1 }, (_, k) => low + k);
    const found = powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)))
      .filter((value) => value >= values[0] && value <= values.at(-1));
    const least = (values.at(-1) / values[0]) ** (1 / MOST_TICKS); // ratio of a tick to the one before
    const tickvals = found.reduce((some, value) =>
      (some.length && value / some.at(-1) < least ? some : [...some, value]), []);
    return { tickvals, ticktext: tickvals.map((value) => page.format.general(value, 3)) };
  }

  const ticks = (axis) => (axis.isScale
    ? (axis.isLog ? { type: "log", ...few(axis.values) } : { type: "linear", tickformat: "~g", nticks: 5 })
    : { tickvals: axis.texts.map((_, index) => index), ticktext: axis.texts.map(page.format.escaped), range: [-0.4, axis.texts.length - 0.6] });

  page.section("axes", (data, root) => page.follow(root, ["objective"], () => {
    const theme = page.theme();
    const { rows, dominated } = page.now;
    const others = page.thinned(dominated, MOST_POINTS);
    let isThinned = others.length < dominated.length;
    for (const axis of page.scales()) {
      const all = page.families(axis);
      const families = page.thinned(all, MOST_LINES);
      isThinned ||= families.length < all.length;
      const node = page.byId(`axis-${axis.place}-figure`);
      page.plot(node, traces(axis, families, others, theme), {
        margin: { t: 8, b: 40, r: 8 },
        xaxis: { ...ticks(axis), anchor: "y2" },
        yaxis: { title: { text: "accuracy" }, domain: [0.54, 1], tickformat: ".3~f" },
        yaxis2: {
          title: { text: "joules" }, domain: [0, 0.46], ...page.ratios(rows.map((row) => row.joules)),
        },
      }).then(page.pinning);
    }
    page.byId("axes-objective").textContent = page.ofObjective();
    page.byId("axes-shown").textContent = isThinned
      ? `All members of the front and ${page.format.grouped(others.length)} of ${page.format.grouped(dominated.length)} others are drawn, evenly; means are of all.` : "";
  }));
})();
