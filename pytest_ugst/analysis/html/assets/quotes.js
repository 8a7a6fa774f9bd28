// Finding quoted words in what was said, as the judge's quotes are checked: case, spacing and the shape of quotation
// marks don't matter, dots stand for words left out.

const GAP = /\.{3,}|…|\[…\]/;
const SHAPES = { "’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " ", "–": "-", "—": "-" };

// Text without what does not matter, and for each of its characters where it stands in the original.
function bare(text) {
  const [kept, places] = [[], []];
  let blank = true;
  for (let at = 0; at < text.length; at++) {
    const character = SHAPES[text[at]] ?? text[at];
    if (/\s/.test(character)) {
      if (!blank) { kept.push(" "); places.push(at); }
      blank = true;
      continue;
    }
    blank = false;
    for (const lower of character.toLowerCase()) { kept.push(lower); places.push(at); }
  }
  return { text: kept.join(""), places };
}

// The texts of one conversation are looked through again at every step.
const bared = new Map();

function baredOnce(text) {
  if (!bared.has(text)) {
    if (bared.size > 500) bared.clear();
    bared.set(text, bare(text));
  }
  return bared.get(text);
}

const MOST = 400_000; // characters of a text that are looked through

// Where the quote stands in the text: [{start, end}], empty if it does not.
function locate(text, quote) {
  const pieces = quote.split(GAP).map((piece) => bare(piece).text.trim()).filter((piece) => unquoted(piece));
  if (!pieces.length || text.length > MOST) return [];
  const hay = baredOnce(text);
  const found = [];
  let from = 0;
  for (const given of pieces) {
    const piece = hay.text.includes(given) ? given : unquoted(given);
    let at = hay.text.indexOf(piece, from);
    if (at < 0) at = hay.text.indexOf(piece);
    if (at < 0) return [];
    found.push({ start: hay.places[at], end: hay.places[at + piece.length - 1] + 1 });
    from = at + piece.length;
  }
  return found;
}

const unquoted = (piece) => piece.replace(/^["' ]+|["' ]+$/g, "");

const callHead = (call) => `${call.name}(${call.arguments.map(([name, value]) => `${name}=${value}`).join(", ")})`;

// Whether a quote is the beginning of this text, or the whole of it and more.
const begins = (quote, text) => quote !== "" && quote.startsWith(text.slice(0, quote.length));

// Whether a quote means this tool call: as our own checks put it, or a judge who quotes what it was shown.
function isOfCall(call, quote) {
  const [plain, head] = [bare(quote).text.trim(), bare(callHead(call)).text];
  if (!plain) return false;
  if (begins(plain, head)) return true;
  const argumentsText = bare(`{${call.arguments.map(([name, value]) => `"${name}": ${value}`).join(", ")}}`).text;
  if (begins(plain.replace(/^tool /, ""), `${bare(call.name).text}(${argumentsText})`)) return true;
  return locate(call.result, quote).length > 0 || argumentsText.includes(plain);
}

// Marks that may lie over each other, cut into pieces that don't; each knows all that it stands for.
function cutMarks(marks) {
  const edges = [...new Set(marks.flatMap((mark) => [mark.start, mark.end]))].sort((a, b) => a - b);
  const pieces = [];
  for (let at = 0; at + 1 < edges.length; at++) {
    const [start, end] = [edges[at], edges[at + 1]];
    const parts = [...new Set(marks.filter((mark) => mark.start < end && mark.end > start).map((mark) => mark.part))];
    if (parts.length) pieces.push({ start, end, parts });
  }
  return pieces;
}
