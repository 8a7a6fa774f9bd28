// Charts: small SVG drawings, each with a title, a description and a table that says the same.

// As the tables round: a half goes to the even digit, where toFixed takes it up.
const fixed = (value, digits) => {
  const twice = value * 2 ** (digits + 1);
  if (!Number.isInteger(twice) || Number.isInteger(value * 2 ** digits)) return value.toFixed(digits);
  const scaled = Math.floor(Math.abs(value) * 10 ** digits);
  const even = (scaled % 2 ? scaled + 1 : scaled) / 10 ** digits;
  return (value < 0 ? -even : even).toFixed(digits);
};
const percent = (value) => {
  if (value === null || value === undefined) return "–";
  if (value > 0 && value < 0.05) return "0.1";
  return value >= 99.95 && value < 100 ? "99.9" : fixed(value, 1);
};
const spread = (rate) => (rate.low === null || rate.low === undefined ? "" : `${fixed(rate.low, 0)}–${fixed(rate.high, 0)}`);

let chartCount = 0;

// A figure that draws itself anew when its width changes.
function chart(caption, description, draw, table) {
  const id = `chart-${chartCount++}`;
  const canvas = el("div", { class: "canvas" });
  const node = el("figure", { class: "chart" }, el("figcaption", null, caption), canvas,
    el("details", { class: "as-table" }, el("summary", null, "As a table"), table));
  let width = 0;
  new ResizeObserver(() => {
    if (canvas.clientWidth === width || canvas.clientWidth === 0) return;
    width = canvas.clientWidth;
    const { height, parts } = draw(width, id);
    canvas.replaceChildren(svg("svg",
      { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-labelledby": `${id}-t ${id}-d` },
      svg("title", { id: `${id}-t` }, caption), svg("desc", { id: `${id}-d` }, description), parts));
  }).observe(canvas);
  return node;
}

function grid(headings, rows) {
  const cell = (value, at) => el(at ? "td" : "th", at ? null : { scope: "row" }, value);
  return el("div", { class: "scroll" }, el("table", null,
    el("thead", null, el("tr", null, headings.map((heading) => el("th", { scope: "col" }, heading)))),
    el("tbody", null, rows.map((row) => el("tr", null, row.map(cell))))));
}

// Success per category, with intervals; the baseline and what is selected as markers beside.
function successChart(rates, baseline, selected) {
  const names = [...CATEGORIES, "avg"].filter((name) => rates[name].value !== null);
  const sentence = names.map((name) => `${FULL_NAMES[name]} ${percent(rates[name].value)} percent${
    spread(rates[name]) && `, interval ${spread(rates[name])}`}${baseline?.[name] ? `, baseline ${percent(baseline[name].base)}` : ""}`);
  const draw = (width) => {
    const [left, right, row, top] = [96, 62, baseline ? 40 : 32, 6];
    const x = (value) => left + ((width - left - right) * value) / 100;
    const bottom = top + names.length * row;
    const parts = [0, 25, 50, 75, 100].map((tick) => [
      svg("line", { x1: x(tick), x2: x(tick), y1: top, y2: bottom, class: "grid" }),
      svg("text", { x: x(tick), y: bottom + 16, "text-anchor": "middle", class: "tick" }, `${tick}`)]);
    names.forEach((name, at) => {
      const [rate, y] = [rates[name], top + at * row + row / 2 - (baseline ? 6 : 0)];
      if (name === "avg") parts.push(svg("line", { x1: 0, x2: width, y1: top + at * row, y2: top + at * row, class: "rule" }));
      parts.push(
        svg("text", { x: 0, y: y + 4, class: `name${name === "avg" ? " strong" : ""}` }, FULL_NAMES[name]),
        svg("rect", { x: x(0), y: y - 7, width: Math.max(1, x(rate.value) - x(0)), height: 14, rx: 2, class: "bar" }),
        whisker(x, rate, y, "whisker"),
        svg("text", { x: width, y: y + 4, "text-anchor": "end", class: "value" }, percent(rate.value)));
      const before = baseline?.[name];
      if (before?.value !== null && before?.value !== undefined) {
        parts.push(svg("text", { x: width, y: y + 18, "text-anchor": "end", class: "tick" }, signed(before.value)),
          svg("circle", { cx: x(before.base), cy: y + 14, r: 4, class: "base-dot" }, svg("title", null, `baseline ${percent(before.base)}`)));
      }
      const part = selected?.[name];
      if (part && part.value !== null) {
        const [cx, r] = [x(part.value), 6];
        parts.push(svg("path", { d: `M${cx} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`, class: "selected" },
          svg("title", null, `selected episodes ${percent(part.value)}`)));
      }
    });
    return { height: bottom + 22, parts };
  };
  const headings = ["", "Percent", "95% interval", "n", "Errors"];
  if (baseline) headings.push("Baseline", "Difference");
  if (selected) headings.push("Selected", "n");
  const table = grid(headings, names.map((name) => {
    const [rate, cells] = [rates[name], []];
    cells.push(FULL_NAMES[name], percent(rate.value), spread(rate) || "–", `${rate.n}`, `${rate.errors}`);
    if (baseline) cells.push(percent(baseline[name]?.base), signed(baseline[name]?.value));
    if (selected) cells.push(percent(selected[name].value), `${selected[name].n}`);
    return cells;
  }));
  return chart("Success per category, in percent", `${sentence.join("; ")}.`, draw, table);
}

function signed(value) {
  if (value === null || value === undefined) return "–";
  if (Math.abs(value) < 1e-9) return "0.0";
  const size = fixed(Math.abs(value), 1);
  return `${value > 0 ? "+" : "−"}${size === "0.0" ? Number(Math.abs(value).toPrecision(2)) : size}`;
}

const VERDICT_TONES = { regression: "bad", improvement: "good", equivalent: "part", "no worse": "part", inconclusive: "open" };

// Differences to the baseline, goal by goal, with intervals that hold for all of them at once.
function differencesChart(columns) {
  const names = [...CATEGORIES, "avg"].filter((name) => columns[name]?.value !== null && columns[name]?.value !== undefined);
  const ends = names.flatMap((name) => [columns[name].value, columns[name].low ?? 0, columns[name].high ?? 0]);
  const reach = Math.max(10, Math.ceil(Math.max(...ends.map(Math.abs)) / 10) * 10);
  const interval = (one) => (one.low === null ? "–" : `${signed(one.low)} to ${signed(one.high)}`);
  const draw = (width) => {
    const [left, right, row, top] = [96, 150, 30, 6];
    const x = (value) => left + ((width - left - right) * (value + reach)) / (2 * reach);
    const bottom = top + names.length * row;
    const parts = [-reach, -reach / 2, 0, reach / 2, reach].map((tick) => [
      svg("line", { x1: x(tick), x2: x(tick), y1: top, y2: bottom, class: tick === 0 ? "zero" : "grid" }),
      svg("text", { x: x(tick), y: bottom + 16, "text-anchor": "middle", class: "tick" }, tick === 0 ? "0" : `${tick > 0 ? "+" : "−"}${Math.abs(tick)}`)]);
    names.forEach((name, at) => {
      const [one, y] = [columns[name], top + at * row + row / 2];
      const tone = VERDICT_TONES[one.verdict] ?? "open";
      parts.push(svg("text", { x: 0, y: y + 4, class: `name${name === "avg" ? " strong" : ""}` }, FULL_NAMES[name]),
        whisker(x, one, y, `whisker toned ${tone}`),
        svg("circle", { cx: x(one.value), cy: y, r: 5, class: `dot ${tone}` }, svg("title", null, `${signed(one.value)} points, ${interval(one)}`)),
        svg("text", { x: width - 82, y: y + 4, "text-anchor": "end", class: "value" }, signed(one.value)),
        svg("text", { x: width - 72, y: y + 4, class: "tick" }, one.verdict ?? ""));
    });
    return { height: bottom + 22, parts };
  };
  const texts = names.map((name) => `${FULL_NAMES[name]} ${signed(columns[name].value)} (${interval(columns[name])}), ${columns[name].verdict ?? "not asked for"}`);
  const table = grid(["", "Baseline", "This run", "Points", "Interval", "May drop", "Goals better", "worse", ""], names.map((name) => {
    const one = columns[name];
    return [FULL_NAMES[name], percent(one.base), percent(one.new), signed(one.value), interval(one), one.margin === undefined ? "–" : `${one.margin}`,
      `${one.better}`, `${one.worse}`, one.verdict ?? ""];
  }));
  return chart("Difference in points", `${texts.join("; ")}.`, draw, table);
}

function whisker(x, rate, y, kind) {
  if (rate.low === null || rate.low === undefined) return [];
  return svg("path", { d: `M${x(rate.low)} ${y - 4}v8M${x(rate.low)} ${y}H${x(rate.high)}M${x(rate.high)} ${y - 4}v8`, class: kind });
}

const GROUPS = [
  ["Profile and policy", ["profile", "policy"], "AME"],
  ["Objectives and requirements", ["objective", "requirement"], "CTIE"],
  ["Preferences", ["preference"], "AME"],
];

// Share of each status after every turn. An episode that is over keeps its last state, so that all bars count the same.
function turnsCharts(episodes) {
  const last = episodes.reduce((most, episode) => Math.max(most, episode.turns), 0);
  return GROUPS.map(([name, categories, letters]) => {
    const counts = Array.from({ length: last + 1 }, () => ({}));
    let total = 0;
    for (const episode of episodes) {
      goalOf(episode).categories.forEach((category, at) => {
        if (!categories.includes(category)) return;
        total += 1;
        const track = episode.states[at];
        counts.forEach((into, turn) => {
          const letter = track[Math.min(turn, track.length - 1)];
          into[letter] = (into[letter] ?? 0) + 1;
        });
      });
    }
    return total ? turnsChart(name, letters, counts, total, HELD.has(categories[0]) ? "held" : categories[0]) : null;
  });
}

function turnsChart(name, letters, counts, total, kind) {
  const used = [...letters].filter((letter) => counts.some((count) => count[letter]));
  const tone = (letter) => (letter === "M" && kind !== "held" ? "open" : toneOf(letter, kind === "held" ? "policy" : kind, false));
  const share = (count, letter) => (100 * (count[letter] ?? 0)) / total;
  const ends = used.map((letter) => `${STATUSES[letter]} ${percent(share(counts[0], letter))} at the start, ${
    percent(share(counts.at(-1), letter))} at the end`);
  const draw = (width) => {
    const [left, height, top] = [30, 140, 4];
    const step = (width - left) / counts.length;
    const gap = step > 6 ? 0.1 : 0;
    const parts = [0, 50, 100].map((tick) => {
      const y = top + height - (height * tick) / 100;
      return [svg("line", { x1: left, x2: width, y1: y, y2: y, class: "grid" }),
        svg("text", { x: left - 6, y: y + 4, "text-anchor": "end", class: "tick" }, `${tick}`)];
    });
    const every = Math.ceil(counts.length / Math.max(1, Math.floor((width - left) / 24)));
    counts.forEach((count, turn) => {
      let base = top + height;
      for (const letter of used) {
        const tall = (height * (count[letter] ?? 0)) / total;
        base -= tall;
        parts.push(svg("rect", { x: left + turn * step + step * gap, y: base, width: step * (1 - 2 * gap), height: tall, class: `area ${tone(letter)}` },
          svg("title", null, `after turn ${turn}: ${STATUSES[letter]} ${percent(share(count, letter))}% (${count[letter] ?? 0} of ${total})`)));
      }
      if (turn % every === 0) {
        parts.push(svg("text", { x: left + (turn + 0.5) * step, y: top + height + 15, "text-anchor": "middle", class: "tick" }, `${turn}`));
      }
    });
    return { height: top + height + 20, parts };
  };
  const table = grid(["Turn", ...used.map((letter) => STATUSES[letter])],
    counts.map((count, turn) => [`${turn}`, ...used.map((letter) => `${percent(share(count, letter))}`)]));
  const made = chart(name, `Share of ${count(total, "sub-component")} by status after each turn: ${ends.join("; ")}.`, draw, table);
  made.children[0].after(el("p", { class: "legend" }, used.map((letter) => el("span", null, icon(tone(letter)), STATUSES[letter]))));
  return made;
}
