"use strict";
// Whatever comes from a run is put into the page as text, never as markup.

const $ = (id) => document.getElementById(id);
const CATEGORY = {
  profile: "Profile", policy: "Policy", objective: "Objective", requirement: "Requirement", preference: "Preference",
};
let talk = null; // the conversation that is open, as the server last sent it
let at = 1; // the turn that is looked at
let current = null; // the id of the chosen sub-component
let pending = Promise.resolve(); // requests go out one after the other, as their keys were pressed
let moving = 0; // other turns and views that are on their way: until they are there, nothing is changed

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "class") element.className = value;
    else if (name === "onclick") element.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

function announce(text) { $("announcement").textContent = text; }

function trouble(text) {
  $("trouble").hidden = !text;
  $("trouble").textContent = text || "";
}

async function ask(path, body) {
  const options = { cache: "no-store", credentials: "omit" };
  if (body !== undefined) {
    options.method = "POST";
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server is gone. What was set before is kept; start “ugst annotate” again and open its new address.");
  }
  const type = response.headers.get("Content-Type") || "";
  const answer = type.startsWith("application/json") ? await response.json() : null;
  if (!response.ok) throw new Error(answer ? answer.error : `The server refused this (${response.status}).`);
  trouble("");
  return answer;
}

function queue(work) {
  pending = pending.then(work).catch((error) => trouble(error.message));
  return pending;
}

// To another turn or view.
function go(work) {
  moving += 1;
  queue(async () => {
    try {
      await work();
    } finally {
      moving -= 1;
    }
  });
}

// A status is the furthest of the moves up to a turn.

function statusAt(component, turn) {
  let place = 0;
  for (const [when, status] of Object.entries(talk.moves[component.id] || {})) {
    if (Number(when) <= turn) place = Math.max(place, component.chain.indexOf(status));
  }
  return place;
}

const settledBefore = (component, turn) => statusAt(component, turn - 1) === component.chain.length - 1;
const choosable = () => talk.components.filter((component) => !settledBefore(component, at));
const find = (id) => talk.components.find((component) => component.id === id);

// The list

async function showList() {
  const run = await ask("api/run");
  talk = null;
  document.title = `Annotate ${run.run}`;
  $("whose").textContent = `${run.run}, annotated by ${run.annotator}`;
  const finished = run.episodes.filter((one) => one.done).length;
  $("list-sum").textContent = `${finished} of ${run.episodes.length} done`;
  $("list").replaceChildren(...run.episodes.map((one) => {
    const state = one.done ? "done" : one.seen ? `turn ${one.seen} of ${one.turns} done` : `${one.turns} turn${one.turns > 1 ? "s" : ""}`;
    const row = make("button", { type: "button", class: one.done ? "row finished" : "row", onclick: () => go(() => open(one.id)) },
      make("span", { class: "id" }, one.id), make("span", { class: "state" }, state),
      make("span", { class: "excerpt", dir: "auto" }, one.goal));
    row.dataset.done = one.done ? "yes" : "no";
    return make("li", {}, row);
  }));
  for (const [id, hidden] of [["list-view", false], ["talk-view", true], ["foot", true], ["back", true]]) $(id).hidden = hidden;
  history.replaceState(null, "", location.pathname);
  const next = $("list").querySelector('[data-done="no"]') || $("list-title");
  next.focus();
  announce($("list-sum").textContent);
}

function stepRow(by) {
  const rows = [...$("list").querySelectorAll("button")];
  const place = rows.indexOf(document.activeElement);
  const next = rows[Math.min(Math.max(place + by, 0), rows.length - 1)];
  if (next) next.focus();
}

// A conversation

async function open(id) {
  const found = await ask(`api/conversation?id=${encodeURIComponent(id)}`);
  take(found);
  history.replaceState(null, "", `#${encodeURIComponent(id)}`);
  for (const [name, hidden] of [["list-view", true], ["talk-view", false], ["foot", false], ["back", false]]) $(name).hidden = hidden;
  $("talk-title").focus();
}

function take(found) {
  talk = found;
  at = talk.done ? talk.turns : talk.seen + 1;
  current = null;
  draw();
  $("side").scrollTop = 0;
  scrollToTurn();
}

function draw() {
  $("talk-title").textContent = talk.id;
  document.title = `Annotate ${talk.id}`;
  $("goal-text").textContent = talk.goal;
  $("talk").replaceChildren(...talk.shown.map(drawTurn));
  if (talk.end) $("talk").append(make("li", { class: "the-end" }, talk.end));
  drawState();
}

function drawTurn(turn, index) {
  const number = index + 1;
  return make("li", { class: "turn", id: `turn-${number}` },
    make("h3", {}, `Turn ${number}`),
    make("div", { class: "speech user" }, make("span", { class: "who" }, "User"), make("span", { class: "said", dir: "auto" }, turn.user)),
    ...turn.calls.map((call) => make("details", { class: call.ok ? "call" : "call failed" },
      make("summary", {}, make("code", {}, `${call.name}(${call.arguments})`), call.ok ? null : " failed"),
      make("pre", { dir: "auto" }, call.result))),
    turn.agent === null
      ? make("p", { class: "nothing" }, "The agent gave no answer.")
      : make("div", { class: "speech agent" }, make("span", { class: "who" }, "Agent"), make("span", { class: "said", dir: "auto" }, turn.agent)));
}

function drawState() {
  const open = choosable();
  if (!open.some((component) => component.id === current)) current = open.length ? open[0].id : null;
  for (const element of $("talk").querySelectorAll(".turn")) {
    const number = Number(element.id.slice(5));
    element.classList.toggle("now", number === at);
    element.classList.toggle("later", number > at);
  }
  $("side-title").textContent = talk.done ? `Statuses after turn ${at}: yours and the judge's` : `After turn ${at}`;
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : null;
  $("parts").replaceChildren(...talk.components.map(drawPart));
  if (focused) {
    const again = [...$("parts").querySelectorAll("button")].find((button) => button.dataset.key === focused);
    if (again) again.focus({ preventScroll: true });
  }
  $("earlier").disabled = at <= 1;
  $("place").textContent = `Turn ${at} of ${talk.turns}`;
  const last = talk.done && at === talk.turns;
  const label = last ? "Next conversation" : talk.done || at <= talk.seen ? "Later" : at === talk.turns ? "Done with this conversation" : "Done with this turn";
  $("done").replaceChildren(label, " ", make("kbd", {}, talk.done || at <= talk.seen ? (last ? "Enter" : "→") : "Enter"));
  drawAgreement();
}

function drawPart(component) {
  const place = statusAt(component, at);
  const head = make("p", { class: "category" }, CATEGORY[component.category]);
  const text = make("p", { class: "text", dir: "auto" }, component.text);
  const below = component.parent && find(component.parent);
  const classes = ["component", component.category];
  if (below) classes.push("below");
  if (talk.done) return drawCompared(component, place, classes, head, text);
  if (settledBefore(component, at)) {
    return make("div", { class: [...classes, "settled"].join(" "), "data-id": component.id }, head, text,
      make("p", { class: "note" }, make("span", { class: `chip ${component.chain[place]}` }, component.chain[place]), " settled before this turn"));
  }
  if (component.id === current) classes.push("current");
  const before = statusAt(component, at - 1);
  const buttons = component.chain.map((status, index) => {
    const button = make("button", {
      type: "button", role: "radio", class: status, "aria-checked": index === place ? "true" : "false",
      disabled: index < before, tabindex: index === place ? "0" : "-1",
      onclick: () => { choose(component.id, false); set(component, index); },
    }, make("kbd", {}, String(index + 1)), status);
    button.dataset.key = `${component.id} ${status}`;
    return button;
  });
  return make("div", { class: classes.join(" "), "data-id": component.id }, head, text,
    make("div", { class: "statuses", role: "radiogroup", "aria-label": `${CATEGORY[component.category]}: ${component.text}` }, ...buttons));
}

function drawCompared(component, place, classes, head, text) {
  const said = talk.judge.parts[component.id];
  const judged = said.labels[at - 1];
  const mine = component.chain[place];
  if (judged !== mine) classes.push("differs");
  const pair = make("p", { class: "pair" },
    make("span", {}, "you ", make("span", { class: `chip ${mine}` }, mine)),
    make("span", {}, `${talk.judge.name || "judge"} `, make("span", { class: `chip ${judged}` }, judged)),
    judged === mine ? null : make("strong", {}, "differs"));
  const why = said.why || said.evidence.length
    ? make("details", { open: judged !== mine },
      make("summary", {}, "what the judge said in the end"),
      make("span", { class: "said", dir: "auto" }, said.why),
      ...said.evidence.map((one) => make("span", { class: "quote said", dir: "auto" }, `turn ${one.turn}, ${one.speaker}: “${one.quote}”`)))
    : null;
  return make("div", { class: classes.join(" "), "data-id": component.id }, head, text, pair, why);
}

function drawAgreement() {
  $("agreement").hidden = !talk.done;
  if (!talk.done) return;
  let same = 0, all = 0;
  for (const component of talk.components) {
    talk.judge.parts[component.id].labels.forEach((label, index) => {
      all += 1;
      same += label === component.chain[statusAt(component, index + 1)] ? 1 : 0;
    });
  }
  $("agreement").textContent = `You and ${talk.judge.name || "the judge"} agree in ${same} of ${all} statuses over all turns (${Math.round(100 * same / all)}%).`;
}

function scrollToTurn() {
  const element = $(`turn-${at}`);
  if (element) element.scrollIntoView({ block: "start" });
}

// Keys and buttons

function choose(id, scroll = true) {
  current = id;
  for (const element of $("parts").children) {
    const here = element.dataset.id === id && !talk.done;
    element.classList.toggle("current", here);
    if (here && scroll) element.scrollIntoView({ block: "nearest" });
  }
  const component = find(id);
  if (component && scroll) announce(`${CATEGORY[component.category]}: ${component.text}. ${component.chain[statusAt(component, at)]}`);
}

function step(by) {
  const open = choosable();
  if (!open.length || talk.done) return;
  const place = open.findIndex((component) => component.id === current);
  const to = open[Math.min(Math.max(place + by, 0), open.length - 1)].id;
  choose(to);
  // Who has got to a status by Tab goes on from there.
  if ($("parts").contains(document.activeElement)) {
    $("parts").querySelector(`[data-id="${CSS.escape(to)}"] [aria-checked="true"]`)?.focus({ preventScroll: true });
  }
}

function set(component, index) {
  if (talk.done || moving || index >= component.chain.length) return;
  const id = talk.id, turn = at, status = component.chain[index];
  if (index < statusAt(component, at - 1)) {
    announce("A status never moves back.");
    return;
  }
  queue(async () => {
    const answer = await ask("api/set", { id, component: component.id, turn, status });
    if (talk && talk.id === id) {
      Object.assign(talk, answer);
      drawState();
      announce(`${component.text}: ${status}`);
    }
  });
}

function look(by) {
  const furthest = talk.done ? talk.turns : talk.seen + 1;
  const to = Math.min(Math.max(at + by, 1), Math.min(furthest, talk.turns));
  if (to === at) return;
  at = to;
  drawState();
  scrollToTurn();
  announce(`Turn ${at}`);
}

function forward() {
  if (moving) return;
  if (talk.done && at === talk.turns) go(nextConversation);
  else if (talk.done || at <= talk.seen) look(1);
  else if (at === talk.turns) $("sure").showModal();
  else finishTurn();
}

function finishTurn() {
  if (moving) return;
  const id = talk.id, turn = at;
  go(async () => {
    take(await ask("api/next", { id, turn }));
    announce(talk.done ? "Done. The judge's verdicts are shown beside yours." : `Turn ${at} of ${talk.turns}`);
  });
}

async function nextConversation() {
  const run = await ask("api/run");
  const here = run.episodes.findIndex((one) => talk && one.id === talk.id);
  const order = [...run.episodes.slice(here + 1), ...run.episodes.slice(0, here + 1)];
  const next = order.find((one) => !one.done);
  if (next) await open(next.id);
  else await showList();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if ($("sure").open || $("help").open) return; // a dialog has its own keys
  const key = event.key;
  if (key === "?") $("help").showModal();
  else if (!talk) {
    if (key === "ArrowDown" || key === "j") stepRow(1);
    else if (key === "ArrowUp" || key === "k") stepRow(-1);
    else return;
  } else if (key === "ArrowDown" || key === "j") step(1);
  else if (key === "ArrowUp" || key === "k") step(-1);
  else if (key === "ArrowLeft") look(-1);
  else if (key === "ArrowRight") { if (talk.done || at <= talk.seen) look(1); }
  else if (key === "Enter") {
    // On a control of its own, Enter does what that control does.
    if (event.repeat || event.target.closest("a, summary, header button, footer button")) return;
    forward();
  } else if (key === "l") go(showList);
  else if (/^[0-3]$/.test(key)) {
    const component = find(current);
    if (component && !event.repeat) set(component, key === "0" ? statusAt(component, at - 1) : Number(key) - 1);
  } else return;
  event.preventDefault();
});
// A digit is meant for the part that has the focus.
$("parts").addEventListener("focusin", (event) => {
  const id = event.target.closest("[data-id]")?.dataset.id;
  if (talk && !talk.done && id !== current && choosable().some((component) => component.id === id)) choose(id, false);
});
$("back").addEventListener("click", () => go(showList));
$("earlier").addEventListener("click", () => look(-1));
$("done").addEventListener("click", forward);
$("help-button").addEventListener("click", () => $("help").showModal());
$("not-yet").addEventListener("click", () => $("sure").close());
$("finish").addEventListener("click", () => { $("sure").close(); finishTurn(); });
$("sure").addEventListener("keydown", (event) => { if (event.repeat) event.preventDefault(); });

let wanted = null;
try { wanted = decodeURIComponent(location.hash.slice(1)); } catch { /* no address of ours */ }
go(async () => {
  await showList();
  if (wanted) await open(wanted);
});
