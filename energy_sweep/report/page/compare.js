// Two pinned configurations beside each other: what differs, what that costs, how sure it is.
(() => {
  const { joules, kilowattHours, percent, chance, escaped, bytes, count, seconds } = page.format;
  const TRAINING = ["prepare", "pretrain", "trunk", "cooldown", "teacher", "compress", "recover"];

  const cell = (text, name = "") => `<td${name ? ` class="${name}"` : ""}>${text}</td>`;
  const line = (title, cells, name = "") => `<tr${name ? ` class="${name}"` : ""}><th scope="row">${escaped(title).replaceAll(".", ".<wbr>")}</th>${cells.join("")}</tr>`;
  const signed = (value, text) => (value > 0 ? `+${text(value)}` : value < 0 ? `−${text(-value)}` : "0");

  // A figure of both and their difference; unknown ones are left empty.
  function figure(title, rows, of, text, name = "") {
    const values = rows.map((row) => (row ? of(row) ?? null : null));
    if (values.every((value) => value === null)) return "";
    const shown = values.map((value) => cell(value === null ? "" : escaped(text(value))));
    const [a, b] = values;
    const both = rows[1] && a !== null && b !== null;
    const share = both && a ? ` (${signed(b / a - 1, percent)})` : "";
    return line(title, [...shown, cell(both ? escaped(signed(b - a, text) + (b === a ? "" : share)) : "")], name);
  }

  function settings(rows) {
    return page.data.axes.map((axis, place) => {
      const values = rows.map((row) => (row ? page.value(row.params[place]) : ""));
      const differs = rows[1] && values[0] !== values[1];
      return line(axis, [...values.map((value) => cell(escaped(value))), cell(differs ? "differs" : "")], differs ? "differs" : "");
    }).join("");
  }

  const total = (parts) => parts && Object.values(parts).reduce((sum, part) => sum + part, 0);

  function stages(rows) {
    const names = TRAINING.filter((stage) => rows.some((row) => row && stage in row.stages));
    const byStage = names.map((stage) => figure(stage, rows, (row) => total(row.stages[stage]), joules, "part"));
    const domains = page.data.domains.length > 1 ? page.data.domains : [];
    const byDomain = domains.map((domain) => figure(`training on ${domain}`, rows, (row) => {
      const parts = TRAINING.filter((stage) => row.stages[stage]).map((stage) => row.stages[stage][domain] ?? 0);
      return parts.length ? parts.reduce((sum, part) => sum + part, 0) : null;
    }, joules, "part"));
    return [...byStage, ...byDomain].join("");
  }

  // An image in each domain: as the stage that ran them is split.
  function imageByDomain(rows) {
    if (page.data.domains.length < 2) return "";
    return page.data.domains.map((domain) => figure(`an image on ${domain}`, rows, ({ stages: { infer }, perImage }) =>
      (infer && perImage !== null && total(infer) > 0 ? perImage * (infer[domain] ?? 0) / total(infer) : null), joules, "part")).join("");
  }

  // Whether one of two is sure to cost less or to be better, as the document says it.
  function sureness(a, b, view) {
    if (!view) return "Whether the difference is sure was not computed for these joules.";
    const has = (row, list, trial) => row[list].includes(trial);
    const said = [];
    const contended = [a, b].filter((row) => row.contended.length);
    if (contended.length) said.push(`The joules of trial ${contended.map((row) => row.trial).join(" and ")} are contended: they beat nothing until they are measured again.`);
    if (has(a, "rivals", b.trial) || has(b, "rivals", a.trial)) {
      said.push("They are rivals: neither is surely more accurate or surely cheaper.");
    } else if (has(a, "beatenBy", b.trial)) said.push(`B beats A: trial ${b.trial} is surely cheaper or more accurate, and not surely worse in anything.`);
    else if (has(b, "beatenBy", a.trial)) said.push(`A beats B: trial ${a.trial} is surely cheaper or more accurate, and not surely worse in anything.`);
    else if (a.member || b.member) said.push("The difference is sure: each beats the other, one in accuracy, one in joules.");
    else said.push("Neither is on the front, and only its members are compared with others.");
    if (view.scaleDependent.some((pair) => pair.includes(a.trial) && pair.includes(b.trial))) {
      said.push("Which of them costs less depends on the unknown factors of the sources.");
    }
    return said.join(" ");
  }

  function summary(a, b, { objective }) {
    if (!b) return "Click a point or a row of the table to compare it with this one.";
    const [cheap, dear] = a.joules <= b.joules ? [a, b] : [b, a];
    const name = cheap === a ? "A" : "B";
    const other = cheap === a ? "B" : "A";
    const text = [`${name} saves ${percent(1 - cheap.joules / dear.joules)} of the ${page.objectiveText(objective)}`];
    if (a.perImage !== null && b.perImage !== null) {
      const million = 1e6 * (dear.perImage - cheap.perImage);
      text.push(million === 0 ? "with the same joules per image" : million > 0 ? `${joules(million)} per million images` : `and costs ${joules(-million)} more per million images`);
    }
    const gain = cheap.accuracy - dear.accuracy;
    return `${text.join(", ")}, and has an accuracy ${gain === 0 ? "equal to" : `${Math.abs(100 * gain).toFixed(1)} points ${gain > 0 ? "above" : "below"}`} that of ${other}.`;
  }

  // Percentiles say of how many runs they are.
  function runs(rows) {
    const known = [...new Set(rows.filter((row) => row?.alone).map((row) => row.alone[2]))];
    return known.length ? `, n = ${known.join(" and ")}` : "";
  }

  function head(row, letter) {
    if (!row) return '<th scope="col"></th>';
    return `<th scope="col"><span class="letter letter-${letter}">${letter}</span> trial ${row.trial}`
      + `<span class="soft"> ${row.member ? "on the front" : "dominated"}</span></th>`;
  }

  function show() {
    const { now } = page;
    const box = page.byId("compare");
    const rows = page.pinned.map((trial) => now.byTrial.get(trial) ?? null);
    const [a, b] = rows;
    if (!a) {
      box.innerHTML = '<p class="soft">Click a point to pin it here; a second one is shown beside it.</p>';
      return;
    }
    const { quality } = page.data;
    const within = (row) => (row ? `${row.accuracy.toFixed(3)} <span class="soft">[${row.low.toFixed(3)}, ${row.high.toFixed(3)}]</span>` : "");
    const cost = (row) => (row ? `<span class="whole">${escaped(joules(row.joules, row.uncertainty))}</span>` : "");
    const belongs = rows.map((row) => cell(row && row.belongs !== null ? chance(row.belongs) : ""));
    const change = b ? [`${signed(100 * (b.accuracy - a.accuracy), (value) => value.toFixed(1))} points`,
      `${signed(b.joules - a.joules, joules)} (${signed(b.joules / a.joules - 1, percent)})`] : ["", ""];
    box.innerHTML = `<p>${escaped(summary(a, b, now))}</p>`
      + (b ? `<p class="soft" id="sureness">${escaped(sureness(a, b, now.view))}</p>` : "")
      + `<div class="scroll"><table class="pair"><thead><tr><th scope="col"><span class="hidden">figure</span></th>${head(a, "A")}${head(b, "B")}<th scope="col">${b ? "B against A" : '<span class="hidden">difference</span>'}</th></tr></thead><tbody>`
      + line("accuracy, 95 %", [cell(within(a)), cell(within(b)), cell(escaped(change[0]))])
      + line(`${page.objectiveText(now.objective)}, ${quality}`, [cell(cost(a)), cell(cost(b)), cell(escaped(change[1]))])
      + figure("the same in kWh", rows, (row) => row.joules, kilowattHours)
      + (now.view ? line("sure to belong to the front", [...belongs, cell("")]) : "")
      + settings(rows) + stages(rows)
      + figure("joules per image", rows, (row) => row.perImage, joules)
      + imageByDomain(rows)
      + figure("per million images", rows, (row) => (row.perImage === null ? null : 1e6 * row.perImage), joules)
      + figure("those in kWh", rows, (row) => (row.perImage === null ? null : 1e6 * row.perImage), kilowattHours)
      + figure("waiting for requests", rows, (row) => row.idle || null, percent)
      + figure("bytes of the file", rows, (row) => row.bytes, bytes)
      + figure("multiply-accumulates of an image", rows, (row) => row.macs, count)
      + figure("one image alone", rows, (row) => row.latency, seconds)
      + figure(`its median${runs(rows)}`, rows, (row) => row.alone?.[0] ?? null, seconds)
      + figure(`its 95th percentile${runs(rows)}`, rows, (row) => row.alone?.[1] ?? null, seconds)
      + figure("64 images together", rows, (row) => row.latency64, seconds)
      + `</tbody></table></div>${commands(rows)}`;
  }

  function commands(rows) {
    return rows.filter(Boolean).map((row, place) => `<div class="typed"><span class="soft">${"AB"[place]}</span>`
      + `<code>${escaped(page.command(row.trial))}</code><button type="button" class="copy">Copy</button></div>`).join("");
  }

  page.on("pin", show);
})();
