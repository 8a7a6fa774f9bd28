// The conversation: what was said and done, with the quoted words marked where they stand.

function drawTalk(view) {
  const { detail } = view;
  view.turns = detail.turns.map((turn, index) => drawTurn(view, turn, index + 1));
  return el("div", { id: "talk" }, goalPart(detail),
    view.turns.length ? view.turns.map((turn) => turn.node) : el("p", { class: "empty" }, "Nothing was said."),
    view.ending = ending(view));
}

function goalPart(detail) {
  return el("section", { class: "goal", "aria-label": "Goal" }, el("h2", null, "The user's goal"), passage(detail.goal, [], null));
}

function drawTurn(view, turn, number) {
  const speeches = [];
  const speech = (speaker, text, draw) => {
    const one = { speaker, text, holder: el("div", { class: "holder" }), key: null, draw };
    speeches.push(one);
    return one;
  };
  const thoughts = (text, whose) => text
    ? el("details", { class: "reasoning" }, el("summary", null, `${whose} reasoning`, el("small", null, " the other side never sees it")), passage(text, [], null))
    : null;
  const node = el("section", { class: "turn", "aria-label": `Turn ${number}`, "data-turn": number },
    el("h3", null, turnLink(view.episode, number, `Turn ${number}`, { title: "a link to this turn" })),
    el("div", { class: "speech user" }, el("span", { class: "who" }, "User"), thoughts(turn.user_reasoning, "User's"),
      speech("user", turn.user, plainSpeech).holder),
    (turn.tools ?? []).map((call) => drawCall(call, speech)),
    el("div", { class: "speech agent" }, el("span", { class: "who" }, "Agent"), thoughts(turn.agent_reasoning, "Agent's"),
      turn.agent === null ? el("p", { class: "muted" }, "did not come to answer") : speech("agent", turn.agent, plainSpeech).holder),
    moves(view, number));
  return { node, speeches };
}

const plainSpeech = (one, marks, decorate) =>
  one.text === "" ? el("p", { class: "muted" }, "(said nothing)") : passage(one.text, marks, decorate);

function drawCall(call, speech) {
  const head = callHead(call);
  const short = head.length > 240 ? `${head.slice(0, 240)}…` : head;
  const node = el("details", { class: `call${call.ok ? "" : " failed"}` },
    el("summary", null, el("span", { class: "who" }, "Tool"), el("code", null, words(short)),
      el("span", { class: "outcome" }, call.ok ? "ok" : "failed")));
  const draw = (one, marks, decorate) => {
    node.classList.toggle("cited", one.cited);
    return el("pre", null, passage(marks.length ? call.result : indented(call.result), marks, decorate));
  };
  const own = speech("tool", call.result, draw);
  own.call = call;
  own.fold = node;
  if (short !== head) node.append(el("pre", null, passage(head, [], null)));
  node.append(own.holder);
  return node;
}

// What moved in the goal state by this turn.
function moves(view, number) {
  const { components, tracks } = view.detail;
  const moved = components.map((component, at) => ({ component, at }))
    .filter(({ at }) => tracks[at].states[number] !== tracks[at].states[number - 1]);
  if (!moved.length) return null;
  return el("ul", { class: "moves", "aria-label": `What turn ${number} changed` }, moved.map(({ component, at }) => {
    const letter = tracks[at].states[number];
    return el("li", null, el("button", { type: "button", onclick: () => { go(number); choose(at, true); } },
      icon(toneOf(letter, component.category, number === view.last)), el("strong", null, STATUSES[letter]),
      words(component.text.length > 90 ? `${component.text.slice(0, 90)}…` : component.text)));
  }));
}

function ending(view) {
  const { episode, detail } = view;
  const closing = detail.closing;
  const notes = [];
  if (closing?.asked) notes.push("It asked for something that the agent could not answer any more.");
  if (closing?.before_reply) notes.push("The agent had not answered anything by then.");
  if (closing && !closing.separate) notes.push("The sign to end came inside of an utterance.");
  if (episode.stop === "turn_limit") notes.push(`The limit of ${count(detail.max_turns, "turn")} was reached.`);
  return el("section", { class: "ending", "aria-label": "How it ended" }, el("h3", null, `Ended: ${stopName(episode.stop)}`),
    detail.broken ? el("p", { class: "why" }, words(detail.broken)) : null,
    closing?.reasoning ? el("details", { class: "reasoning" }, el("summary", null, "User's reasoning"), passage(closing.reasoning, [], null)) : null,
    closing ? el("p", null, el("span", { class: "who" }, "User"), passage(closing.text ?? "", [], null)) : null,
    notes.map((note) => el("p", { class: "muted" }, note)));
}

// Which evidence is marked now: what the present statuses rest on, and all about the chosen sub-component.
function evidenceNow(view) {
  const found = [];
  view.detail.components.forEach((component, at) => {
    const ground = groundOf(view, at);
    const verdicts = view.chosen === at ? view.detail.tracks[at].verdicts.filter((verdict) => verdict.turn <= Math.max(1, view.turn)) : [];
    if (ground.verdict && (ground.moved || ["bad", "error"].includes(ground.tone)) && !verdicts.includes(ground.verdict)) verdicts.push(ground.verdict);
    for (const verdict of verdicts) {
      for (const [turn, speaker, quote] of verdict.evidence ?? []) found.push({ turn, speaker, quote, part: at, tone: ground.tone });
    }
  });
  return found;
}

function updateTalk(view) {
  const evidence = evidenceNow(view);
  view.turns.forEach(({ node, speeches }, index) => {
    const number = index + 1;
    node.classList.toggle("now", number === view.turn);
    node.classList.toggle("later", number > view.turn);
    for (const one of speeches) {
      const about = evidence.filter((entry) => entry.turn === number && entry.speaker === one.speaker);
      const key = JSON.stringify([about.map((entry) => [entry.part, entry.tone, entry.quote]), view.chosen]);
      if (one.key === key) continue;
      one.key = key;
      const mine = one.call ? about.filter((entry) => isOfCall(one.call, entry.quote)) : about;
      one.cited = mine.length > 0;
      const marks = cutMarks(mine.flatMap(({ quote, part }) => locate(one.text, quote).map((span) => ({ ...span, part }))));
      one.holder.replaceChildren(one.draw(one, marks, (node, mark) => decorateMark(view, node, mark)));
      if (one.fold) one.fold.querySelector(".cites")?.remove();
      if (one.fold && mine.length) one.fold.querySelector("summary").append(citedBy(view, mine));
    }
  });
  view.ending.classList.toggle("later", view.turn < view.last);
}

function decorateMark(view, node, mark) {
  const worst = ["error", "bad", "open", "part", "good"];
  const rank = (at) => worst.indexOf(groundOf(view, at).tone);
  const part = mark.parts.includes(view.chosen) ? view.chosen : [...mark.parts].sort((a, b) => rank(a) - rank(b))[0];
  const ground = groundOf(view, part);
  node.className = `${ground.tone}${mark.parts.includes(view.chosen) ? " chosen" : ""}`;
  node.dataset.start = mark.start;
  node.title = flat(mark.parts.map((at) => `${STATUSES[groundOf(view, at).letter]}: ${view.detail.components[at].text}`).join("\n"));
  node.addEventListener("click", () => choose(part, true));
  return node;
}

const citedBy = (view, mine) => el("span", { class: "cites" }, [...new Set(mine.map((entry) => entry.part))].map((at) =>
  icon(groundOf(view, at).tone, flat(`${STATUSES[groundOf(view, at).letter]}: ${view.detail.components[at].text}`))));

// JSON with line breaks, without reading it: numbers and order stay as they were written.
function indented(text) {
  if (!/^\s*[[{]/.test(text) || text.length > 200_000) return text;
  try { JSON.parse(text); } catch { return text; }
  let [out, depth, quoted] = ["", 0, false];
  const line = () => `\n${"  ".repeat(Math.min(depth, 40))}`;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      out += character;
      if (character === "\\") out += text[++at];
      else if (character === '"') quoted = false;
    } else if (character === '"') { quoted = true; out += character; }
    else if ("[{".includes(character)) {
      const empty = /^\s*[\]}]/.exec(text.slice(at + 1, at + 50));
      if (empty) { out += character + empty[0].trim(); at += empty[0].length; }
      else { depth += 1; out += character + line(); }
    } else if ("]}".includes(character)) { depth -= 1; out += line() + character; }
    else if (character === ",") out += character + line();
    else if (character === ":") out += ": ";
    else if (!/\s/.test(character)) out += character;
  }
  return out;
}
