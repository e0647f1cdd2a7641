// What colours, symbols and facets say: an axis, its values in order, a few of them or in bins.
(() => {
  const MOST = 6;
  const g = (value) => page.format.general(value, 3);
  const FIGURES = {
    efficiency: ["accuracy per joule", (row) => row.efficiency, g],
    bytes: ["bytes of the file", (row) => row.bytes, page.format.bytes],
    macs: ["MACs of an image", (row) => row.macs, page.format.count],
    p95: ["95th percentile of latency", (row) => row.alone?.[1] ?? null, page.format.seconds],
    latency: ["latency of one image", (row) => row.latency, page.format.seconds],
    perImage: ["joules per image", (row) => row.perImage, page.format.joules],
    n: ["seeds", (row) => row.n, String],
  };

  // All that may be told by a mark: the axes of the study by their names, then the figures.
  page.encodings = () => [
    ...page.data.axes.map((axis, place) => ({
      key: `axis:${axis}`, title: axis, of: (row) => row.params[place], text: page.value,
    })),
    ...Object.entries(FIGURES).map(([key, [title, of, text]]) => ({ key, title, of, text })),
  ];

  // The groups of some rows by an encoding, in order: {title, of(row) -> place, names, grows}.
  page.grouped = (encoding, rows) => {
    if (!encoding) return { title: "", names: [""], of: () => 0, grows: false };
    const values = rows.map(encoding.of);
    const distinct = [...new Map(values.map((value) => [page.value(value), value])).entries()];
    const known = distinct.filter(([, value]) => value !== null && value !== undefined);
    const numeric = known.length > 0 && known.every(([, value]) => typeof value === "number");
    const unknown = known.length < distinct.length;
    if (numeric && known.length > MOST) return binned(encoding, known.map(([, value]) => value), unknown);
    known.sort(([, a], [, b]) => (numeric ? a - b : page.value(a).localeCompare(page.value(b))));
    const shown = known.slice(0, known.length > MOST ? MOST - 1 : MOST);
    const names = shown.map(([, value]) => encoding.text(value));
    const places = new Map(shown.map(([text], place) => [text, place]));
    if (shown.length < known.length) names.push(`${known.length - shown.length} others`);
    const rest = names.length - 1;
    if (unknown) names.push("none");
    const of = (row) => {
      const value = encoding.of(row);
      if (value === null || value === undefined) return names.length - 1;
      return places.get(page.value(value)) ?? rest;
    };
    return { title: encoding.title, names, of, grows: numeric, unknown };
  };

  // So many values are told in bins that hold about as many of them each.
  function binned(encoding, values, unknown) {
    values.sort((a, b) => a - b);
    const count = MOST - 1;
    const tops = Array.from({ length: count }, (_, bin) =>
      values[Math.ceil((values.length * (bin + 1)) / count) - 1]);
    const starts = tops.map((_, bin) => values.find((value) => bin === 0 || value > tops[bin - 1]));
    const names = tops.map((top, bin) => (starts[bin] === top
      ? encoding.text(top) : `${encoding.text(starts[bin])} to ${encoding.text(top)}`));
    if (unknown) names.push("none");
    const of = (row) => {
      const value = encoding.of(row);
      if (value === null || value === undefined) return names.length - 1;
      return tops.findIndex((top) => value <= top);
    };
    return { title: encoding.title, names, of, grows: true, unknown };
  }

  page.SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star", "pentagon"];
  page.coloursOf = (groups, theme) => {
    const grown = groups.names.length - (groups.unknown ? 1 : 0);
    const colours = groups.grows ? theme.ramp(grown) : theme.palette.slice(0, grown);
    return groups.unknown ? [...colours, theme.soft] : colours;
  };
})();
