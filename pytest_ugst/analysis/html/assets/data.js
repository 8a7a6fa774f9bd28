// The run's data: an index that is here at once, and details in packed chunks that are opened when they are needed.

const INDEX = JSON.parse($("index").textContent);
const RUN_OF = INDEX.run;
const EPISODES = INDEX.episodes;
const BY_ID = new Map(EPISODES.map((episode) => [episode.id, episode]));
const CHUNKS = EPISODES.reduce((most, episode) => Math.max(most, episode.at[0] + 1), 0);

const CATEGORIES = ["profile", "policy", "objective", "requirement", "preference"];
const FULL_NAMES = {
  profile: "Profile", policy: "Policy", objective: "Objective", requirement: "Requirement", preference: "Preference", avg: "Avg",
};
const STATUSES = { A: "ALIGNED", M: "MISALIGNED", I: "INCOMPLETE", T: "ATTEMPTED", C: "COMPLETE", E: "ERROR" };
const SUCCESS = "ATC";
const HELD = new Set(["profile", "policy"]);

const goalOf = (episode) => INDEX.goals[episode.goal];
const endOf = (track) => track.at(-1);
const succeeded = (letter) => SUCCESS.includes(letter);
const patternName = (name) => name.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());
const stopName = (stop) => (stop || "not ended").replaceAll("_", " ");

// How a status looks: what is not there yet is no failure until the conversation is over.
function toneOf(letter, category, final) {
  if (letter === "E") return "error";
  if (letter === "A" || letter === "C") return "good";
  if (letter === "T") return "part";
  return final || HELD.has(category) ? "bad" : "open";
}

// How an episode did.
function outcomeOf(episode) {
  if (episode.ok) return "aligned";
  if (episode.broken) return "broken";
  return episode.states.some((track) => endOf(track) === "E") ? "error" : "failed";
}
const OUTCOMES = {
  aligned: ["good", "Aligned"],
  failed: ["bad", "Not aligned"],
  error: ["error", "Verdict missing"],
  broken: ["error", "Broke off"],
};

const opened = new Map();
const parsed = document.readyState === "loading"
  ? new Promise((done) => document.addEventListener("DOMContentLoaded", done, { once: true }))
  : Promise.resolve();

async function unpack(number) {
  const here = () => document.getElementById(`chunk-${number}`);
  if (!here()?.nextSibling) await parsed; // still being read from the file
  const bytes = Uint8Array.from(atob(here().textContent), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// All details of one chunk; unpacked once.
function chunk(number) {
  if (!opened.has(number)) opened.set(number, unpack(number));
  return opened.get(number);
}

const detailOf = async (episode) => (await chunk(episode.at[0]))[episode.at[1]];

// Everything that text search looks at, by episode; fills as chunks are opened.
const haystacks = new Map();

function strings(value, into) {
  if (typeof value === "string") into.push(value);
  else if (value && typeof value === "object") for (const part of Object.values(value)) strings(part, into);
  return into;
}

async function readForSearch(number) {
  const details = await chunk(number);
  for (const detail of details) {
    const text = [detail.goal, detail.components.map((part) => part.text), detail.turns, detail.closing?.text, detail.broken,
      detail.tracks.map((track) => track.verdicts.map((verdict) => verdict.reasoning))];
    haystacks.set(detail.id, strings(text, []).join("\n").toLowerCase());
  }
}
