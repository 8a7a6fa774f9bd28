// One episode: opened on demand, left again with nothing kept but where one was.

let view = null;

const episodeHash = (id, turn) => `#e=${encodeURIComponent(id)}${turn === undefined ? "" : `&t=${turn}`}`;

// The address may name this very turn already, and then following a link alone would do nothing.
const turnLink = (episode, turn, text, more) => el("a", { href: episodeHash(episode.id, turn), ...more, onclick: (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(turn);
} }, text);

async function openEpisode(id, turn) {
  const episode = BY_ID.get(id) ?? BY_ID.get(id.replaceAll(" ", "+"));
  if (!episode) return drawMissing(id);
  if (view?.episode !== episode) {
    const opening = (view = { episode });
    $("episode").setAttribute("aria-busy", "true");
    let detail;
    try {
      detail = await detailOf(episode);
    } catch (error) {
      return drawMissing(id, `This browser can't unpack it (${error.message}); a newer one can.`);
    }
    if (view !== opening) return undefined; // something else was opened meanwhile
    Object.assign(view, { detail, last: detail.turns.length, turn: detail.turns.length, chosen: null });
    drawEpisode(view);
  }
  const wantedTurn = Number.parseInt(turn, 10);
  if (Number.isNaN(wantedTurn)) go(view.last, { scroll: false });
  else go(wantedTurn, { instant: true });
  return undefined;
}

function drawMissing(id, why = "") {
  view = null;
  document.title = `${RUN_OF.name} – pytest-ugst`;
  $("episode").replaceChildren(pager(null), el("p", { class: "empty" }, why || "This run has no episode ", why ? null : words(id), why ? null : "."));
}

function pager(episode) {
  const at = episode ? kept.indexOf(episode) : -1;
  const to = (by, name, sign, key) => {
    const other = at < 0 ? null : kept[at + by];
    return other ? el("a", { class: "button", href: episodeHash(other.id), "aria-label": name, "aria-keyshortcuts": key, title: `${name} (${key})` }, sign)
      : el("span", { class: "button off" }, sign);
  };
  return el("nav", { class: "pager", "aria-label": "Episodes" },
    el("a", { class: "button", id: "home-link", href: `#${filterHash()}` }, "‹ All episodes"),
    el("span", { class: "muted place" }, at >= 0 ? `${at + 1} of ${kept.length.toLocaleString("en")}${narrowed() ? " selected" : ""}` : ""),
    episode ? [to(-1, "Previous episode", "↑", "p"), to(1, "Next episode", "↓", "n")] : null);
}

function drawEpisode(shownView) {
  const { episode, detail } = shownView;
  const [tone, outcome] = OUTCOMES[outcomeOf(episode)];
  const setting = INDEX.settings[detail.setting];
  const facts = [
    [words(setting.simulator), " as the user, agent ", words(setting.agent), ", judge ", words(setting.judge)],
    goalOf(episode).domain && words(goalOf(episode).domain),
    episode.trial > 1 && `trial ${episode.trial}`,
    count(shownView.last, "turn"),
    (episode.seconds ?? 0) >= 0.1 && `${episode.seconds.toFixed(1)} s`,
    episode.tokens && count(episode.tokens, "token"),
    episode.cost && `cost ${episode.cost.toFixed(4)}`,
    ...Object.entries(episode.task ?? {}).map(([name, score]) => [words(name), ` ${Number(score.toFixed(3))}`]),
  ].filter(Boolean);
  document.title = flat(`${episode.id} – ${RUN_OF.name}`);
  $("episode").removeAttribute("aria-busy");
  $("episode").replaceChildren(pager(episode),
    el("header", { class: "episode-head" },
      el("h1", { tabindex: "-1", id: "episode-title" }, words(episode.id)),
      el("p", { class: "badges" }, el("span", { class: `outcome ${tone}` }, icon(tone), outcome),
        (episode.patterns ?? []).map((name) => el("span", { class: "badge" }, patternName(name))),
        goalOf(episode).tags.map((tag) => el("span", { class: "tag" }, words(tag)))),
      el("p", { class: "muted facts" }, facts.map((fact, at) => [at ? " · " : "", fact])),
      failureList(episode, detail), faultPart(episode), beforePart(episode, detail)),
    el("div", { class: "both" }, drawTalk(shownView), drawPanel(shownView)));
  $("episode-title").focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

// Which failure patterns it shows, and where.
function failureList(episode, detail) {
  if (!detail.failures) return null;
  return el("ul", { class: "failures" }, detail.failures.map((failure) => el("li", null,
    el("strong", null, patternName(failure.pattern)), ": ", words(failure.why ?? ""),
    failure.turn ? [" (", turnLink(episode, failure.turn, `turn ${failure.turn}`), ")"] : null,
    failure.by === "rule" ? null : el("small", { class: "muted" }, " by ", words(failure.by)))));
}

// Whose fault it is that the agent's task failed, by the goal states.
const faultPart = (episode) => episode.fault
  ? el("p", { class: "failures" }, "The agent's task failed: ", el("strong", null, episode.fault === "undecided" ? "undecided whose fault"
    : `fault of ${episode.fault === "both" ? "both" : `the ${episode.fault}`}`), ".")
  : null;

// What ended otherwise in the baseline.
function beforePart(episode, detail) {
  if (episode.base === undefined) return null;
  const differing = episode.states.map((track, at) => [at, episode.base[at], endOf(track)]).filter(([, before, after]) => before !== after);
  if (!differing.length) return el("p", { class: "muted" }, "Every sub-component ended as in the baseline.");
  return el("details", { class: "fold" }, el("summary", null, `${count(differing.length, "sub-component")} ended otherwise in the baseline`),
    el("ul", null, differing.map(([at, before, after]) => el("li", null, words(detail.components[at].text), ": ",
      `${STATUSES[before] ?? "not there"} → ${STATUSES[after]}`))));
}

// Step to a turn; 0 is before the first.
function go(turn, { scroll = true, instant = false } = {}) {
  if (!view?.detail) return;
  view.turn = Math.max(0, Math.min(view.last, turn));
  updateAddress(view);
  updatePanel(view);
  updateTalk(view);
  if (!scroll) return;
  const still = instant || matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (view.turn === 0) window.scrollTo({ top: 0, behavior: still ? "auto" : "smooth" });
  else view.turns[view.turn - 1].node.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
}

// A moment later: browsers refuse an address that changes many times a second, as under a held key.
let addressDue = 0;
function updateAddress(shownView) {
  clearTimeout(addressDue);
  addressDue = setTimeout(() => {
    if (view === shownView) history.replaceState(null, "", episodeHash(view.episode.id, view.turn));
  }, 100);
}

// Choose a sub-component, or let go of it: its evidence stands out and all its verdicts are listed.
function choose(at, reveal = false) {
  view.chosen = view.chosen === at && !reveal ? null : at;
  updatePanel(view);
  updateTalk(view);
  if (reveal) {
    if (getComputedStyle($("unfold")).display !== "none" && !$("state").classList.contains("open")) togglePanel();
    view.panel.rows.get(at).node.scrollIntoView({ block: "nearest" });
  }
}

// Bring quoted words into sight; those of a later turn are stepped to.
function showQuote(turn, speaker, quote) {
  if (turn > view.turn) go(turn, { scroll: false });
  const one = view.turns[turn - 1]?.speeches.find((speech) => speech.speaker === speaker && (!speech.call || isOfCall(speech.call, quote)));
  if (!one) return;
  $("state").classList.remove("open");
  $("unfold").setAttribute("aria-expanded", "false");
  if (one.fold) one.fold.open = true;
  const spans = locate(one.text, quote);
  const meant = [...one.holder.querySelectorAll("mark")].find(({ dataset: { start } }) => spans.some((span) => span.start <= start && start < span.end));
  const target = meant ?? one.holder.querySelector("mark.chosen, mark") ?? one.holder;
  target.scrollIntoView({ block: "center" });
  target.classList.add("flash");
  setTimeout(() => target.classList.remove("flash"), 1200);
}
