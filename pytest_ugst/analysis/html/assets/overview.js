// The page's first screen: what was played, how well it went, what it cost.

const SETTING_NAMES = {
  simulator: "Simulator", agent: "Agent", judge: "Judge", decomposer: "Decomposer", steer: "Steered by", reasoning: "Thinks first",
  prompts: "Prompts", judge_sees_tools: "Judge sees tools", seed: "Seed", tool_rounds: "Tool rounds", models: "Models",
};

function drawTop() {
  const setting = RUN_OF.setting;
  const role = (name, what) => el("span", { class: "role" }, el("small", null, what), words(String(setting[name] ?? "–")));
  const goals = new Set(EPISODES.map((episode) => goalOf(episode).id)).size;
  $("top").replaceChildren(
    el("div", { class: "brand" }, el("span", null, "pytest-ugst ", el("small", null, RUN_OF.version)),
      el("button", { type: "button", class: "quiet", onclick: help }, "Keys ", el("kbd", null, "?"))),
    el("h1", null, words(RUN_OF.name)),
    el("p", { class: "roles" }, role("simulator", "simulator"), role("agent", "agent"), role("judge", "judge")),
    el("p", { class: "muted" }, `${count(EPISODES.length, "episode")} of ${count(goals, "goal")}`, played()));
}

function played() {
  if (!EPISODES.length) return "";
  const stops = {};
  for (const episode of EPISODES) stops[episode.stop] = (stops[episode.stop] ?? 0) + 1;
  const reasons = Object.entries(stops).sort((a, b) => b[1] - a[1]).map(([stop, number]) => `${number} ${stopName(stop)}`);
  const turns = EPISODES.reduce((sum, episode) => sum + episode.turns, 0);
  return ` · ${reasons.join(", ")} · ${(turns / Math.max(1, EPISODES.length)).toFixed(1)} turns on average`;
}

const wholeRates = () => RUN_OF.tables.at(-1).rows.at(-1).rates;

function drawOverview() {
  const whole = wholeRates();
  const cards = Object.entries(RUN_OF.columns).map(([name, short]) => card(name, short, whole.columns[name]));
  $("overview").replaceChildren();
  $("overview").append(
    problems() ?? "",
    el("div", { class: "cards" }, cards.at(-1), cards.slice(0, -1)),
    el("div", { class: "panels", id: "charts" }),
    el("div", { class: "folds" }, rowsTable(), patternTable(), baselinePart(), costTable(), settingTable()));
}

function card(name, short, rate) {
  return el("div", { class: `card${name === "avg" ? " main" : ""}` },
    el("span", { class: "label" }, name === "avg" ? "User goal alignment" : FULL_NAMES[name]),
    el("strong", null, percent(rate.value), rate.value === null ? null : el("small", null, "%")),
    el("span", { class: "muted" }, rate.value === null ? (name === "avg" ? "nothing to measure" : "does not occur")
      : `${spread(rate) || "no interval"} · n ${rate.n.toLocaleString("en")}`,
    rate.errors ? el("span", { class: "error-note" }, ` · ${count(rate.errors, "error")}`) : null));
}

function problems() {
  const notes = [];
  const unmeasured = wholeRates().unmeasured;
  if (RUN_OF.unplayed.length) notes.push(el("details", { open: RUN_OF.unplayed.length < 6 },
    el("summary", null, `${count(RUN_OF.unplayed.length, "episode")} could not be played`),
    el("ul", null, RUN_OF.unplayed.map((one) => el("li", null, words(one.id), ": ", words(one.why))))));
  else if (unmeasured) notes.push(el("p", null, `${count(unmeasured, "episode")} had nothing to measure`));
  for (const sentence of RUN_OF.missed) notes.push(el("p", null, el("strong", null, "Gate missed: "), words(sentence)));
  for (const fault of RUN_OF.faults) notes.push(el("p", null, `journal: ${fault}`));
  return notes.length ? el("div", { class: "notice" }, notes) : null;
}

// The charts follow the filters: what is selected is set against the whole.
function drawCharts() {
  $("charts").hidden = wholeRates().columns.avg.value === null;
  if ($("charts").hidden) return;
  const selection = narrowed() && kept.length ? kept : null;
  const legend = el("p", { class: "legend" },
    el("span", null, el("i", { class: "key bar" }), "this run, with 95% interval"),
    INDEX.baseline && el("span", null, el("i", { class: "key base" }), "baseline ", words(INDEX.baseline.name)),
    selection && el("span", null, el("i", { class: "key diamond" }), `the ${count(kept.length, "selected episode")}`));
  const success = successChart(wholeRates().columns, INDEX.baseline?.columns, selection && ratesOf(selection));
  success.children[0].after(legend);
  redraw($("charts"), [
    el("div", { class: "panel" }, success),
    el("div", { class: "panel" },
      el("h2", null, "Status over turns", selection && el("small", null, ` of ${count(kept.length, "selected episode")}`)),
      el("div", { class: "multiples" }, turnsCharts(selection ?? EPISODES)))]);
}

const fold = (title, open, ...children) => el("details", { class: "fold", open }, el("summary", null, title), children);

function rowsTable() {
  const rows = RUN_OF.tables.flatMap((table) => table.rows.map((row) => [table, row]));
  const notes = RUN_OF.tables.flatMap((table) => table.notes.map((note) => `${table.title && `${table.title}: `}${note}`));
  if (rows.length < 2 && !notes.length) return null;
  const shown = rows.map(([table, row]) => [
    [table.title && words(`${table.title} · `), words(row.label)],
    ...Object.keys(RUN_OF.columns).map((name) => rateCell(row.rates.columns[name])),
    `${row.rates.columns.avg.n}`, `${row.rates.columns.avg.errors}`]);
  return fold("By benchmark and simulator", true, grid(["", ...Object.values(RUN_OF.columns), "n", "err."], shown),
    notes.map((note) => el("p", { class: "muted" }, words(note))));
}

const rateCell = (rate) => [percent(rate.value), spread(rate) && el("small", { class: "muted" }, ` (${spread(rate)})`)];

function patternTable() {
  const counts = {};
  const failing = EPISODES.filter((episode) => episode.patterns);
  for (const { patterns } of failing) {
    patterns.forEach((name, at) => {
      counts[name] ??= { shown: 0, primary: 0 };
      counts[name].shown += 1;
      if (at === 0) counts[name].primary += 1;
    });
  }
  const found = Object.entries(counts).sort((a, b) => b[1].primary - a[1].primary || b[1].shown - a[1].shown);
  if (!found.length) return null;
  return fold("Failure patterns", true,
    el("p", { class: "muted" }, `What went wrong in ${count(failing.length, "episode")}, mainly (dark) or also (light). Choose one to see its episodes.`),
    el("ul", { class: "bars" }, found.map(([name, { shown: all, primary }]) => {
      const bar = el("i");
      bar.style.setProperty("--share", all / failing.length);
      bar.style.setProperty("--main", primary / all);
      return el("li", null, el("button", { type: "button", onclick: () => setFilters({ pattern: name }) },
        el("span", null, patternName(name)), el("span", { class: "track" }, bar),
        el("span", { title: `${primary} mainly, ${all} in all` }, `${primary}`, el("small", { class: "muted" }, all > primary ? ` of ${all}` : ""))));
    })));
}

function baselinePart() {
  const before = INDEX.baseline;
  if (!before) return null;
  const ways = {};
  for (const episode of EPISODES) ways[wayOf(episode)] = (ways[wayOf(episode)] ?? 0) + 1;
  return fold(["Against the baseline: ", words(before.name)], true,
    el("p", { class: "choices" }, Object.entries(WAYS).filter(([way]) => ways[way]).map(([way, name]) =>
      el("button", { type: "button", onclick: () => setFilters({ base: way }) }, `${name} `, el("strong", null, `${ways[way]}`)))),
    differencesChart(before.columns),
    el("p", { class: "muted" }, `Over the ${count(before.goals, "goal")} that both hold. The simulator there: `, before.simulators.map((name, at) => [at ? ", " : "", words(name)]), "."),
    before.notes.map((note) => el("p", { class: "muted" }, words(note))));
}

const shownValue = (value) => (typeof value === "string" ? value : JSON.stringify(value ?? null));

function costTable() {
  const { roles, episodes, verdicts, failed } = RUN_OF.cost;
  const usage = Object.entries(roles);
  if (!usage.length) return fold("Cost", false, el("p", { class: "muted" }, "No model was called."));
  const number = (value) => value.toLocaleString("en", { maximumFractionDigits: 0 });
  const money = (value) => (value ? value.toFixed(4) : "–");
  const rows = usage.map(([role, one]) => [words(role), number(one.calls), number(one.cache_hits), number(one.prompt_tokens),
    number(one.cached_tokens), number(one.completion_tokens), (one.seconds ?? 0).toFixed(1), money(one.cost), money(one.cost / episodes)]);
  const judge = roles.judge;
  return fold("Cost", true, grid(["", "Calls", "From cache", "Tokens in", "of these cached", "Tokens out", "Seconds", "Cost", "per episode"], rows),
    judge && verdicts ? el("p", { class: "muted" }, `${count(verdicts, "verdict")}${failed ? `, ${failed} of them errors` : ""}; the judge took ${
      (judge.calls / verdicts).toFixed(2)} calls and ${number((judge.prompt_tokens + judge.completion_tokens) / verdicts)} tokens a verdict.`) : null);
}

function settingTable() {
  const shown = Object.entries(RUN_OF.setting).filter(([, value]) => value !== "" && shownValue(value) !== "{}");
  return fold("Setting", false, el("dl", { class: "setting" }, shown.map(([name, value]) =>
    [el("dt", null, SETTING_NAMES[name] ?? name), el("dd", null, words(shownValue(value)))])));
}
