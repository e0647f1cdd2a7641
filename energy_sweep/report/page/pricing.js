// What a row costs by an objective, which rows none dominates, and where their front bends: the
// same sums as `energy_sweep front` makes, out of the same stored parts.
(() => {
  const square = (...values) => Math.hypot(...values);

  // Joules of an image when requests come so many a second: what the machine draws in between
  // is charged too. Null where the machine cannot keep up.
  function ofImage(row, rate, idleWatts) {
    if (!rate) return row.image.joules;
    const between = 1 / rate - row.image.seconds;
    return between < 0 ? null : row.image.joules + idleWatts * between;
  }

  // {joules, uncertainty, own: that beside other rows, idle: the share of waiting}, or null where a part was never metered.
  function priced(row, { name, images, rate }, idleWatts = page.data.idleWatts) {
    const { training, image } = row;
    const times = { training: 0, inference: 1, lifetime: images }[name];
    const trains = name !== "inference";
    if ((trains && !training) || (times && row.image === null)) return null;
    const used = rate && idleWatts !== null && times ? rate : null;
    const each = times ? ofImage(row, used, idleWatts) : 0;
    if (each === null) return null;
    const joules = (trains ? training.joules : 0) + times * each;
    const noise = square(trains ? training.noise : 0, times ? times * image.noise : 0);
    const drift = (trains ? training.drift : 0) + (times ? times * image.drift : 0);
    // Beside other rows, of which what all prices share is no part.
    const [trained, both, once] = row.noise;
    const own = Math.sqrt(Math.max(0, (trains ? trained : 0) + (trains ? 2 * times * both : 0) + times ** 2 * once));
    const idle = used ? times * (each - image.joules) / joules : 0;
    return { joules, uncertainty: square(noise, drift), own, idle };
  }

  // Places of the points that none dominates, cheapest first; equal points stay together.
  function pareto(points) {
    const order = points.map((_, place) => place).sort((a, b) =>
      points[a].joules - points[b].joules || points[b].accuracy - points[a].accuracy || a - b);
    const chosen = [];
    for (const place of order) {
      const best = chosen.length ? points[chosen.at(-1)] : { accuracy: -Infinity, joules: 0 };
      const { accuracy, joules } = points[place];
      const equal = accuracy === best.accuracy && joules === best.joules;
      if (accuracy > best.accuracy || equal) chosen.push(place);
    }
    return chosen;
  }

  // The first of the best by a measure.
  const best = (list, measure) => list.reduce((found, one) =>
    (found === null || measure(one) > measure(found) ? one : found), null);

  // The front's point of diminishing returns: farthest above the line between its ends, in
  // accuracy and log joules. Of two or fewer, the cheapest that reaches the best one's interval.
  function knee(front) {
    if (!front.length) return null;
    const [low, high] = [front[0], front.at(-1)];
    if (front.length < 3) {
      return best(front.filter((one) => one.high >= high.low), (one) => -one.joules);
    }
    const cost = low.joules > 0 ? Math.log : Number;
    const gain = high.accuracy - low.accuracy;
    const spend = cost(high.joules) - cost(low.joules);
    if (!gain || !spend) return low;
    return best(front, (one) =>
      (one.accuracy - low.accuracy) / gain - (cost(one.joules) - cost(low.joules)) / spend);
  }

  // Whether figures keep the limits of the study; what was not measured does not.
  function keeps(row, joules, limits) {
    const figures = {
      max_joules: joules,
      max_joules_per_image: row.perImage,
      max_bytes: row.bytes,
      max_latency: row.latency,
    };
    return Object.entries(limits).every(([name, limit]) => {
      if (name === "min_accuracy") return row.accuracy >= limit;
      return figures[name] !== null && figures[name] <= limit;
    });
  }

  page.pricing = { priced, pareto, knee, keeps };
})();
