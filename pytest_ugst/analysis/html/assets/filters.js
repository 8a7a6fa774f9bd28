// The filters of the list, kept in the address so that a view can be shared.

const NO_FILTERS = {
  q: "", outcome: "", category: "", status: "", pattern: "", tag: "", fault: "", domain: "", sim: "", base: "", sort: "goal",
};
let filters = { ...NO_FILTERS };

const SORTS = {
  goal: ["Goal", (a, b) => natural.compare(a.id, b.id)],
  worst: ["Least aligned", (a, b) => shareOf(a) - shareOf(b)],
  best: ["Most aligned", (a, b) => shareOf(b) - shareOf(a)],
  turns: ["Most turns", (a, b) => b.turns - a.turns],
  seconds: ["Longest", (a, b) => b.seconds - a.seconds],
  tokens: ["Most tokens", (a, b) => (b.tokens ?? 0) - (a.tokens ?? 0)],
};
const natural = new Intl.Collator("en", { numeric: true });

const shareOf = (episode) =>
  episode.states.length ? episode.states.filter((track) => succeeded(endOf(track))).length / episode.states.length : -1;

// Against the baseline: which way an episode went, by how many of its sub-components ended well.
function wayOf(episode) {
  if (!INDEX.baseline) return "";
  if (episode.base === undefined) return "alone";
  const before = [...episode.base].filter(succeeded).length;
  const after = episode.states.filter((track) => succeeded(endOf(track))).length;
  if (after !== before) return after > before ? "better" : "worse";
  return episode.states.every((track, at) => endOf(track) === episode.base[at]) ? "same" : "changed";
}
const WAYS = { worse: "Worse", better: "Better", changed: "Changed, as many aligned", same: "The same", alone: "Not compared" };

function keeps(episode) {
  const goal = goalOf(episode);
  if (filters.outcome && outcomeOf(episode) !== filters.outcome) return false;
  if (filters.pattern && !episode.patterns?.includes(filters.pattern)) return false;
  if (filters.tag && !goal.tags.includes(filters.tag)) return false;
  if (filters.domain && (goal.domain || "none") !== filters.domain) return false;
  if (filters.sim && INDEX.simulators[episode.sim] !== filters.sim) return false;
  if (filters.fault && episode.fault !== filters.fault) return false;
  if (filters.base && wayOf(episode) !== filters.base) return false;
  if (filters.category || filters.status) {
    const fits = (track, at) =>
      (!filters.category || goal.categories[at] === filters.category) && (!filters.status || fitsStatus(track, filters.status));
    if (!episode.states.some(fits)) return false;
  }
  return searchWords().every((word) => found(episode, goal, word));
}

const fitsStatus = (track, status) =>
  status === "failed" ? !succeeded(endOf(track)) : STATUSES[endOf(track)] === status;

const searchWords = () => filters.q.toLowerCase().split(/\s+/).filter(Boolean);

function found(episode, goal, word) {
  return `${episode.id}\n${goal.text}\n${goal.tags.join("\n")}`.toLowerCase().includes(word)
    || (haystacks.get(episode.id)?.includes(word) ?? false);
}

let kept = EPISODES;

function applyFilters() {
  kept = EPISODES.filter(keeps).sort(SORTS[filters.sort]?.[1] ?? SORTS.goal[1]);
}

const narrowed = () => Object.keys(NO_FILTERS).some((name) => name !== "sort" && filters[name]);

function readFilters(parameters) {
  filters = { ...NO_FILTERS };
  for (const name of Object.keys(NO_FILTERS)) if (parameters.has(name)) filters[name] = parameters.get(name);
}

function filterHash() {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== NO_FILTERS[name]) parameters.set(name, value);
  return parameters.toString();
}

// Success rates of what is shown, as the tables count them (without intervals).
function ratesOf(episodes) {
  const totals = Object.fromEntries(CATEGORIES.map((category) => [category, [0, 0]]));
  for (const episode of episodes) {
    goalOf(episode).categories.forEach((category, at) => {
      totals[category][0] += 1;
      totals[category][1] += succeeded(endOf(episode.states[at])) ? 1 : 0;
    });
  }
  const rates = {};
  for (const [category, [all, good]] of Object.entries(totals)) rates[category] = { value: all ? (100 * good) / all : null, n: all };
  const known = CATEGORIES.map((category) => rates[category].value).filter((value) => value !== null);
  const all = CATEGORIES.reduce((sum, category) => sum + rates[category].n, 0);
  rates.avg = { value: known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null, n: all };
  return rates;
}
