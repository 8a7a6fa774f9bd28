// The goal state beside the conversation: S_0 to S_n, stepped through turn by turn.

const FIRST = { profile: "A", policy: "A", objective: "I", requirement: "I", preference: "M" };

// What a status rests on at a turn: its verdict, and why it can't be trusted where it can't.
function groundOf(view, at) {
  const track = view.detail.tracks[at];
  const letter = track.states[view.turn];
  const category = view.detail.components[at].category;
  return {
    letter,
    before: view.turn > 0 ? track.states[view.turn - 1] : letter,
    tone: toneOf(letter, category, view.turn === view.last),
    moved: letter !== FIRST[category],
    verdict: track.verdicts[track.why[view.turn]],
    error: track.errors?.[view.turn],
  };
}

// In the order of the goal: profile, policy, then each objective with what belongs to it.
function inOrder(components) {
  const numbered = components.map((component, at) => ({ component, at }));
  const of = (category) => numbered.filter((one) => one.component.category === category && !one.component.parent);
  const tasks = of("objective").flatMap((one) =>
    [one, ...numbered.filter((child) => child.component.parent === one.component.id)]);
  return [["Profile", of("profile")], ["Policy", of("policy")], ["Task", [...tasks, ...of("requirement"), ...of("preference")]]]
    .filter(([, members]) => members.length);
}

function drawPanel(view) {
  const { detail, last } = view;
  const slider = el("input", {
    type: "range", id: "turn", min: 0, max: last, step: 1, disabled: last === 0, "aria-label": "Turn",
    oninput: (event) => go(Number(event.target.value)),
  });
  const step = (by, sign, name) =>
    el("button", { type: "button", class: "step", "aria-label": name, onclick: () => go(view.turn + by) }, sign);
  const parts = { slider, rows: new Map(), strip: el("span", { class: "strip", "aria-hidden": "true" }),
    title: el("h2", { id: "state-title" }), back: step(-1, "‹", "One turn back"), on: step(1, "›", "One turn on"),
    toggle: el("button", { type: "button", id: "unfold", "aria-expanded": "false", "aria-controls": "rows", onclick: togglePanel }, "Goal state") };
  const rows = el("div", { id: "rows" }, inOrder(detail.components).map(([name, members]) =>
    el("section", { class: "group" }, el("h3", null, name),
      el("ul", null, members.map(({ component, at }) => drawComponent(view, parts, component, at))))));
  if (!detail.components.length) rows.append(el("p", { class: "empty" }, "The goal was not cut into sub-components, so nothing was tracked."));
  view.panel = parts;
  return el("aside", { id: "state", "aria-labelledby": "state-title" },
    el("div", { class: "stepper" },
      el("div", { class: "stepper-head" }, parts.title, parts.strip, parts.toggle),
      el("div", { class: "slide" }, parts.back, el("div", { class: "rail" }, slider, changesAlong(view)), parts.on)),
    rows);
}

function togglePanel() {
  const open = $("state").classList.toggle("open");
  $("unfold").setAttribute("aria-expanded", String(open));
}

// Under the slider: in which turns something moved, and whether for the better.
function changesAlong(view) {
  const ticks = el("div", { class: "ticks", "aria-hidden": "true" });
  for (let turn = 0; turn <= view.last; turn++) {
    const moves = view.detail.tracks.filter((track) => turn > 0 && track.states[turn] !== track.states[turn - 1]);
    const bad = view.detail.tracks.some((track, at) => turn > 0 && track.states[turn] !== track.states[turn - 1]
      && ["bad", "error"].includes(toneOf(track.states[turn], view.detail.components[at].category, false)));
    ticks.append(el("i", { class: moves.length ? (bad ? "bad" : "good") : null }));
  }
  return ticks;
}

function drawComponent(view, parts, component, at) {
  const part = {
    node: null, icon: el("span"), status: el("span", { class: "status" }), change: el("span", { class: "change" }),
    ground: el("div", { class: "ground" }), track: drawTrack(view, component, at),
  };
  const head = el("button", { type: "button", class: "head", "aria-pressed": "false", onclick: () => choose(at) },
    part.icon, el("span", { class: "line" }, part.status,
      el("span", { class: "kind" }, component.category), component.check ? el("span", { class: "kind", title: "decided by a rule of the goal file" }, "rule") : null,
      part.change), words(component.text, { class: "text" }));
  part.head = head;
  part.node = el("li", { class: `component${component.parent ? " child" : ""}` }, head, part.track, part.ground);
  parts.rows.set(at, part);
  return part.node;
}

// One small cell for each of S_0 to S_n.
function drawTrack(view, component, at) {
  const letters = [...view.detail.tracks[at].states];
  const cells = letters.map((letter, turn) =>
    el("i", { class: toneOf(letter, component.category, turn === view.last), title: `after turn ${turn}: ${STATUSES[letter]}` }));
  return el("div", { class: `track-line${cells.length > 30 ? " dense" : ""}`, "aria-hidden": "true", onclick: (event) => {
    const turn = cells.indexOf(event.target);
    if (turn >= 0) go(turn);
  } }, cells);
}

function updatePanel(view) {
  const { panel, turn, last, detail } = view;
  panel.slider.value = turn;
  panel.slider.setAttribute("aria-valuetext", turn ? `after turn ${turn} of ${last}` : "before the first turn");
  panel.back.disabled = turn === 0;
  panel.on.disabled = turn === last;
  panel.title.replaceChildren("Goal state ", el("span", { class: "sub" }, `S${subscript(turn)}`),
    el("small", null, turn === 0 ? "before the first turn" : turn === last ? `at the end, turn ${turn}` : `after turn ${turn} of ${last}`));
  panel.strip.replaceChildren(...inOrder(detail.components).flatMap(([, members]) => members)
    .map(({ at }) => icon(groundOf(view, at).tone)));
  const changes = [];
  for (const [at, part] of panel.rows) {
    const ground = groundOf(view, at);
    const changed = ground.letter !== ground.before;
    part.node.className = `component ${ground.tone}${detail.components[at].parent ? " child" : ""}${changed ? " changed" : ""}${
      view.chosen === at ? " chosen" : ""}`;
    part.head.setAttribute("aria-pressed", String(view.chosen === at));
    part.icon.replaceChildren(icon(ground.tone));
    part.status.textContent = STATUSES[ground.letter];
    part.change.textContent = changed ? `was ${STATUSES[ground.before]}` : "";
    redraw(part.ground, groundParts(view, at, ground));
    [...part.track.children].forEach((cell, index) => cell.classList.toggle("now", index === turn));
    if (changed) changes.push(`${detail.components[at].text}: ${STATUSES[ground.letter]}`);
  }
  $("announcement").textContent = flat(`${turn ? `After turn ${turn}` : "Before the first turn"}: ${changes.length ? changes.join("; ") : "no change"}`);
}

const subscript = (number) => [...String(number)].map((digit) => String.fromCharCode(0x2080 + Number(digit))).join("");

// Why: the quoted words, the reasoning folded, and for the chosen one everything that was said of it.
function groundParts(view, at, ground) {
  const parts = [];
  if (ground.error) parts.push(el("p", { class: "why" }, "No verdict can be trusted: ", words(ground.error)));
  const telling = ground.verdict && (ground.moved || ground.tone === "bad" || ground.tone === "error" || view.chosen === at);
  if (telling) parts.push(...verdictParts(ground.verdict, ground.moved || ground.letter === "E" ? "" : "so far: "));
  if (view.chosen === at) {
    const all = view.detail.tracks[at].verdicts;
    if (all.length > 1) parts.push(el("details", { class: "history" }, el("summary", null, `All ${all.length} verdicts`),
      el("ol", null, all.map((verdict) => el("li", null,
        turnLink(view.episode, verdict.turn, `turn ${verdict.turn}`), " ",
        el("strong", null, verdict.status ? STATUSES[verdict.status] : "no verdict"), verdictParts(verdict))))));
    if (!all.length) parts.push(el("p", { class: "why" }, "Nothing was said of it."));
  }
  return parts;
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most).trimEnd()}…` : text);

function verdictParts(verdict, lead = "") {
  const parts = (verdict.evidence ?? []).map(([turn, speaker, quote]) =>
    el("button", { type: "button", class: "quote", title: "show it in the conversation", onclick: () => showQuote(turn, speaker, quote) },
      el("q", null, words(shortened(quote, speaker === "tool" ? 120 : 300))), el("small", null, `${speaker}, turn ${turn}`)));
  if (verdict.error) parts.push(el("p", { class: "why" }, words(verdict.error)));
  const reasoning = verdict.reasoning ? passage(verdict.reasoning, [], null) : "";
  if (reasoning) parts.push(el("details", { class: "reasoning" },
    el("summary", null, `${lead}reasoning`, verdict.by && el("small", null, " by ", words(verdict.by)), `, turn ${verdict.turn}`), reasoning));
  return parts;
}
