// The list of episodes and its filters. Rows are made as they are needed.

const PAGE = 60;
let shown = 0;
let reading = false;

function choices(name, title, options) {
  const select = el("select", { id: `f-${name}`, onchange: (event) => setFilters({ [name]: event.target.value }, true) },
    options.map(([value, text]) => el("option", { value }, flat(text))));
  return el("label", { class: "choice" }, el("span", null, title), select);
}

const tally = (values) => {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => natural.compare(a[0], b[0]));
};

function drawFilters() {
  const all = (title) => [["", title]];
  const counted = (values, name = (value) => value) => tally(values).map(([value, number]) => [value, `${name(value)} (${number})`]);
  const domains = counted(EPISODES.map((episode) => goalOf(episode).domain || "none"));
  const simulators = counted(EPISODES.map((episode) => INDEX.simulators[episode.sim]));
  const tags = counted(EPISODES.flatMap((episode) => goalOf(episode).tags));
  const patterns = counted(EPISODES.flatMap((episode) => episode.patterns ?? []), patternName);
  const faults = counted(EPISODES.flatMap((episode) => episode.fault ?? []));
  const outcomes = tally(EPISODES.map(outcomeOf)).map(([value, number]) => [value, `${OUTCOMES[value][1]} (${number})`]);
  const statuses = ["failed", ...Object.values(STATUSES)].map((value) => [value, value === "failed" ? "any failure" : value]);
  const categories = CATEGORIES.map((name) => [name, FULL_NAMES[name]]);
  const field = el("input", {
    type: "search", id: "f-q", placeholder: "Search goals and conversations", "aria-label": "Search goals and conversations",
    autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/", oninput: (event) => setFilters({ q: event.target.value }, true),
  });
  $("filters").hidden = EPISODES.length === 0;
  $("filters").replaceChildren(...[
    el("div", { class: "search" }, field, el("kbd", { "aria-hidden": "true" }, "/")),
    choices("outcome", "Outcome", [...all("any"), ...outcomes]),
    choices("category", "Category", [...all("any"), ...categories]),
    choices("status", "Final status", [...all("any"), ...statuses]),
    patterns.length ? choices("pattern", "Failure pattern", [...all("any"), ...patterns]) : null,
    tags.length ? choices("tag", "Tag", [...all("any"), ...tags]) : null,
    faults.length ? choices("fault", "Failed task: fault of", [...all("any"), ...faults]) : null,
    domains.length > 1 ? choices("domain", "Domain", [...all("any"), ...domains]) : null,
    simulators.length > 1 ? choices("sim", "Simulator", [...all("any"), ...simulators]) : null,
    INDEX.baseline ? choices("base", "Against the baseline", [...all("any"), ...Object.entries(WAYS)]) : null,
    choices("sort", "Sort by", Object.entries(SORTS).map(([name, [title]]) => [name, title])),
    el("button", { type: "button", id: "clear", class: "quiet", onclick: () => { setFilters({ ...NO_FILTERS }); $("f-q").focus(); } }, "Clear"),
  ].filter(Boolean));
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("more").addEventListener("click", () => addRows(true));
  // Rows that are focused must not lie below the filters, which stay in sight.
  new ResizeObserver(() => {
    const sticky = getComputedStyle($("filters")).position === "sticky";
    document.documentElement.style.setProperty("--bar", `${sticky ? $("filters").offsetHeight : 0}px`);
  }).observe($("filters"));
  new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && addRows(), { rootMargin: "600px" })
    .observe($("more"));
}

// Change some of the filters; the others stay.
function setFilters(change, typed = false) {
  filters = { ...filters, ...change };
  history.replaceState(null, "", `#${filterHash()}`);
  refresh();
  if (!typed) $("episodes").scrollIntoView();
}

function refresh() {
  for (const name of Object.keys(NO_FILTERS)) {
    const input = $(`f-${name}`);
    if (input && input.value !== filters[name]) input.value = filters[name];
  }
  applyFilters();
  drawList();
  drawCharts();
  if (filters.q && haystacks.size < EPISODES.length) readAll();
}

function drawList() {
  shown = 0;
  $("list").replaceChildren();
  $("clear").hidden = !narrowed();
  addRows();
  showCount();
  $("empty").hidden = kept.length > 0;
  $("empty").textContent = EPISODES.length ? "No episode is like that. Clear a filter, or search for fewer words." : "Nothing was played.";
}

function showCount() {
  const number = narrowed() ? `${kept.length.toLocaleString("en")} of ${count(EPISODES.length, "episode")}` : count(EPISODES.length, "episode");
  $("count").textContent = reading ? `${number}, reading conversations …` : number;
}

function addRows(focus = false) {
  const next = kept.slice(shown, shown + PAGE).map(row);
  $("list").append(...next);
  shown += next.length;
  const left = kept.length - shown;
  $("more").hidden = left <= 0;
  $("more").textContent = `Show ${Math.min(PAGE, left)} more of ${left.toLocaleString("en")}`;
  if (focus) next[0]?.querySelector("a").focus();
}

function row(episode) {
  const goal = goalOf(episode);
  const [tone, outcome] = OUTCOMES[outcomeOf(episode)];
  const good = episode.states.filter((track) => succeeded(endOf(track))).length;
  const way = wayOf(episode);
  return el("li", { class: `row ${tone}` }, el("a", { href: episodeHash(episode.id) },
    icon(tone, outcome),
    el("span", { class: "what" },
      el("span", { class: "id" }, words(episode.id),
        (episode.patterns ?? []).map((name) => el("span", { class: "badge" }, patternName(name))),
        ["worse", "better"].includes(way) ? el("span", { class: `badge ${way}` }, way === "worse" ? "▼ worse" : "▲ better") : null),
      words(goal.text, { class: "excerpt" })),
    strip(episode, goal),
    el("span", { class: "numbers" }, el("span", null, `${good}/${episode.states.length}`),
      el("small", null, `${count(episode.turns, "turn")}${episode.stop === "user_ended" ? "" : `, ${stopName(episode.stop)}`}`))));
}

// How every sub-component ended, one symbol each, set apart by category.
function strip(episode, goal) {
  const parts = [];
  for (const category of CATEGORIES) {
    const tones = episode.states.filter((_, at) => goal.categories[at] === category).map((track) => toneOf(endOf(track), category, true));
    if (!tones.length) continue;
    const good = tones.filter((tone) => tone === "good" || tone === "part").length;
    parts.push(el("span", { class: "set", title: `${FULL_NAMES[category]}: ${good} of ${tones.length}` },
      el("span", { class: "unseen" }, `${FULL_NAMES[category]} ${good} of ${tones.length}. `), tones.map((tone) => icon(tone))));
  }
  return el("span", { class: "strip" }, parts);
}

// Search looks into conversations: open all chunks once, a few at a time.
async function readAll() {
  if (reading) return;
  reading = true;
  showCount();
  for (let number = 0; number < CHUNKS; number++) {
    await readForSearch(number);
    if (number % 8 === 7) await new Promise((done) => setTimeout(done));
  }
  reading = false;
  applyFilters();
  drawList();
  drawCharts();
}
