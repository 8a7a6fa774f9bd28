// What is asked of the list, kept in the address so that a view can be shared.

const NOTHING = {
  q: "", outcome: "", category: "", status: "", pattern: "", tag: "", fault: "", domain: "", sim: "", base: "", sort: "goal",
};
let asked = { ...NOTHING };

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
  if (asked.outcome && outcomeOf(episode) !== asked.outcome) return false;
  if (asked.pattern && !episode.patterns?.includes(asked.pattern)) return false;
  if (asked.tag && !goal.tags.includes(asked.tag)) return false;
  if (asked.domain && (goal.domain || "none") !== asked.domain) return false;
  if (asked.sim && INDEX.simulators[episode.sim] !== asked.sim) return false;
  if (asked.fault && episode.fault !== asked.fault) return false;
  if (asked.base && wayOf(episode) !== asked.base) return false;
  if (asked.category || asked.status) {
    const fits = (track, at) =>
      (!asked.category || goal.categories[at] === asked.category) && (!asked.status || fitsStatus(track, asked.status));
    if (!episode.states.some(fits)) return false;
  }
  return wanted().every((word) => found(episode, goal, word));
}

const fitsStatus = (track, status) =>
  status === "failed" ? !succeeded(endOf(track)) : STATUSES[endOf(track)] === status;

const wanted = () => asked.q.toLowerCase().split(/\s+/).filter(Boolean);

function found(episode, goal, word) {
  return `${episode.id}\n${goal.text}\n${goal.tags.join("\n")}`.toLowerCase().includes(word)
    || (haystacks.get(episode.id)?.includes(word) ?? false);
}

let kept = EPISODES;

function applyFilters() {
  kept = EPISODES.filter(keeps).sort(SORTS[asked.sort]?.[1] ?? SORTS.goal[1]);
}

const narrowed = () => Object.keys(NOTHING).some((name) => name !== "sort" && asked[name]);

function readAsked(parameters) {
  asked = { ...NOTHING };
  for (const name of Object.keys(NOTHING)) if (parameters.has(name)) asked[name] = parameters.get(name);
}

function askedHash() {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) if (value !== NOTHING[name]) parameters.set(name, value);
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
