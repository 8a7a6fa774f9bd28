// Where one is, by the address; and the keys.

let homeDrawn = false;
let homeScroll = 0;
let cameFrom = null;

function drawHome() {
  if (homeDrawn) return;
  homeDrawn = true;
  drawTop();
  drawOverview();
  drawFilters();
}

function showHome(parameters) {
  const back = !$("episode").hidden;
  readFilters(parameters);
  $("episode").hidden = true;
  $("home").hidden = false;
  document.title = `${RUN_OF.name} – pytest-ugst`;
  drawHome();
  const rows = shown;
  refresh();
  while (back && shown < Math.min(rows, kept.length)) addRows();
  if (back) {
    window.scrollTo(0, homeScroll);
    [...$("list").querySelectorAll("a")].find((link) => link.getAttribute("href") === cameFrom)?.focus({ preventScroll: homeScroll > 0 });
  }
  view = null;
}

function route() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  $("skip").hidden = parameters.has("e");
  if (!parameters.has("e")) return showHome(parameters);
  if (!$("home").hidden) homeScroll = window.scrollY;
  $("home").hidden = true;
  $("episode").hidden = false;
  cameFrom = episodeHash(parameters.get("e"));
  return openEpisode(parameters.get("e"), parameters.get("t"));
}

const KEYS = [
  ["/", "search"], ["j k", "next and previous episode in the list"], ["Enter", "open it"],
  ["← →", "step through the goal states S₀ … Sₙ"], ["Home End", "first and last goal state"],
  ["n p", "next and previous episode"], ["Esc", "back to the list"], ["?", "this help"],
];

function help() {
  const dialog = $("help");
  dialog.replaceChildren(el("h2", { id: "help-title" }, "Keys"),
    el("dl", null, KEYS.map(([keys, text]) => [el("dt", null, keys.split(" ").map((key) => el("kbd", null, key))), el("dd", null, text)])),
    el("p", { class: "muted" }, "A status’s symbol: ", ...Object.entries({ good: "aligned or complete", part: "attempted", open: "not yet", bad: "failed", error: "no verdict to trust" })
      .map(([tone, text]) => el("span", { class: "sign" }, icon(tone), text))),
    el("form", { method: "dialog" }, el("button", { class: "button" }, "Close")));
  dialog.showModal();
}

function move(by) {
  const links = [...$("list").querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  if (at + by >= links.length) addRows();
  const link = $("list").querySelectorAll("a")[Math.max(0, at + by)];
  link?.focus();
  link?.scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const typing = event.target.matches("input:not([type=range]), select, textarea");
  if (event.key === "Escape" && typing) return event.target.blur();
  if (typing) return undefined;
  const inEpisode = !$("episode").hidden;
  const sliding = event.target.matches("input[type=range]");
  const keys = inEpisode ? {
    ArrowRight: () => go(view.turn + 1), ArrowLeft: () => go(view.turn - 1), Home: () => go(0), End: () => go(view?.last ?? 0),
    n: () => follow("n"), p: () => follow("p"), Escape: () => $("home-link").click(), "?": help,
  } : { "/": () => $("f-q").focus(), j: () => move(1), k: () => move(-1), "?": help };
  const action = keys[event.key];
  if (!action || (inEpisode && !view?.detail && event.key !== "Escape")) return undefined;
  if (sliding && /^(Arrow|Home|End)/.test(event.key)) return undefined; // the slider does that by itself
  event.preventDefault();
  return action();
}

const follow = (key) => $("episode").querySelector(`.pager [aria-keyshortcuts=${key}]`)?.click();

window.addEventListener("hashchange", route);
document.addEventListener("keydown", onKey);
$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("list").querySelector("a")?.focus();
});
applyFilters();
Promise.resolve(route()).then(() => performance.mark("drawn"));
