// Which joules are minimised now, and the rows, front and choice that follow from it.
(() => {
  const { views, constraints, objective } = page.data;
  let now = { ...objective, rate: null };

  // What is sure of rows beside each other is known where Python computed it, and nowhere else.
  function viewOf({ name, images, rate }) {
    const view = views[name];
    if (!view) return null; // nothing has a price by it
    if (name !== "training" && rate && page.data.idleWatts !== null) return null;
    return name === "lifetime" && view.images !== images ? null : view;
  }

  function computed() {
    const view = viewOf(now);
    const found = [];
    const [excluded, unpriced] = [[], []];
    for (const row of page.rows) {
      const cost = page.pricing.priced(row, now);
      if (cost === null) unpriced.push(row.trial);
      else if (!page.pricing.keeps(row, cost.joules, constraints)) excluded.push(row.trial);
      else found.push({ ...row, ...cost });
    }
    const front = page.pricing.pareto(found).map((place) => found[place]);
    const members = new Set(front.map((row) => row.trial));
    for (const row of found) {
      row.member = members.has(row.trial);
      row.efficiency = row.joules > 0 ? row.accuracy / row.joules : null;
      row.belongs = view?.belongs[row.trial] ?? null;
      row.rivals = view ? view.rivals[row.trial] ?? [] : null;
      row.beatenBy = view ? view.beatenBy[row.trial] ?? [] : null;
      row.contended = view ? view.contended[row.trial] ?? [] : null;
    }
    const dominated = found.filter((row) => !row.member)
      .sort((a, b) => a.joules - b.joules || a.trial - b.trial);
    return {
      objective: now,
      view,
      rows: found,
      front,
      dominated,
      excluded,
      unpriced,
      chosen: page.pricing.knee(front),
      byTrial: new Map(found.map((row) => [row.trial, row])),
    };
  }

  page.now = computed();
  page.setObjective = (change) => {
    now = { ...now, ...change };
    page.now = computed();
    page.emit("objective", page.now);
    return page.now;
  };

  page.objectiveText = ({ name, images } = now) => ({
    training: "training joules",
    inference: "joules per image",
    lifetime: `joules of training and ${page.format.grouped(images)} images`,
  })[name];
})();
