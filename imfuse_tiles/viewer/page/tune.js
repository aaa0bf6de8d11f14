// Tuning: a region is computed again with changed options, at full resolution; every step can be undone.

import { ask, byId, onState, state } from "./ask.js";
import { declareOptions, fillForm, withOption } from "./option_form.js";
import { forgetRegion, onRegion, outline, regionBox, setRegion, showRegion } from "./region.js";
import { recall, remember } from "./remember.js";
import { startWhole, watchWhole } from "./whole_run.js";

// ``wanted``: the form that is asked for and not answered yet, ``next``: one that is asked for when an answer has come.
// ``stack``: tells the frames that the steps are of from others, ``began``: when the run did that was opened.
const tuned = { steps: [], at: -1, wanted: null, next: null, busy: false, page: crypto.randomUUID(), stack: "", began: 0 };
const step = () => tuned.steps[tuned.at];
const form = () => tuned.wanted ?? step().form;

export const isTuning = () => tuned.busy;

function note(text, bad = false) {
  byId("tune-note").textContent = text;
  byId("tune-note").classList.toggle("bad", bad);
}

async function begin() {
  if (step()) return;
  note("opening the stack …");
  try {
    const began = state.runs[0]?.began;
    const { declarations, most, result, stack, ...start } = await ask("options");
    const kept = recall("tune");
    const { steps, at, region } = kept?.stack === stack ? kept : { steps: [start], at: 0, region: null };
    Object.assign(tuned, { steps, at, stack, began });
    declareOptions(declarations);
    onRegion(() => compute(form()), most);
    byId("tune-result").value = result;
    byId("tune-body").hidden = false;
    note("");
    region ? setRegion(...region) : outline();
    show();
    watchWhole();
  } catch (error) {
    note(error.message, true);
  }
}

// The store is of another run by now: of the same frames its options are a step more, others are tuned from the start.
async function renew() {
  const { began, writer } = state.runs[0] ?? {};
  if (tuned.busy || writer || !step() || !began || began === tuned.began) return;
  tuned.began = began;
  try {
    const { declarations, most, result, stack, ...start } = await ask("options");
    if (stack === tuned.stack && tuned.steps.some((each) => each.options === start.options)) return;
    const steps = stack === tuned.stack ? tuned.steps.slice(0, tuned.at + 1) : [];
    Object.assign(tuned, { steps: [...steps, start], at: steps.length, stack });
    byId("tune-result").value = result;
    if (!steps.length) forgetRegion();
    show();
    if (regionBox()) await compute(form());
    else note(steps.length ? "the options of the latest run" : "the store was made anew: tuning begins from its latest run");
  } catch (error) {
    note(error.message, true);
    tuned.began = 0; // asked again when the state changes
  }
}

// One question at a time; what is changed meanwhile is asked next.
async function compute(entries) {
  tuned.wanted = tuned.next = entries;
  show();
  if (tuned.busy) return ask("drop", { page: tuned.page }).catch(() => {}); // the question that it would have dropped tells what is wrong
  tuned.busy = true;
  while (tuned.next) {
    const asked = tuned.next;
    tuned.next = null;
    try {
      await answer(asked);
    } catch (error) {
      if (tuned.wanted !== asked) continue;
      note(error.message, true);
      tuned.wanted = null; // the last step that could be computed shows again
    }
  }
  tuned.busy = false;
  tuned.wanted = null;
  byId("tune-progress").textContent = "";
  show();
  renew();
}

async function answer(asked) {
  note("computing …");
  const about = { form: asked, region: regionBox() ?? [0, 0, 1, 1], page: tuned.page };
  const look = await ask("tune", { ...about, quick: true });
  if (tuned.wanted !== asked || isStale(look, asked)) return;
  keep(look);
  show();
  if (look.exact) return;
  note("a first look; the limits of the masks are being measured …");
  const exact = await ask("tune", about);
  if (tuned.wanted === asked && !isStale(exact, asked)) keep(exact);
}

// Asks again what was dropped by mistake: the word to drop an older question came after this one.
function isStale(found, asked) {
  if (found.stale) tuned.next ??= asked;
  return found.stale;
}

function keep(found) {
  const region = regionBox();
  note(region ? `computed in ${found.seconds.toFixed(1)} s` : "");
  const now = { ...found, picture: region ? found.picture : null, region };
  if (step().options === now.options) tuned.steps[tuned.at] = now;
  else tuned.steps.splice(++tuned.at, Infinity, now);
}

function show() {
  fillForm(form(), compute);
  byId("undo").disabled = tuned.at <= 0;
  byId("redo").disabled = tuned.at >= tuned.steps.length - 1;
  byId("tune-command").value = step().command;
  showRegion(step().picture ?? null, step().region, () => compute(form()));
  remember("tune", { steps: tuned.steps, at: tuned.at, region: regionBox(), stack: tuned.stack });
}

// What is being computed for a step that is left is not waited for.
function go(by) {
  tuned.at += by;
  tuned.wanted = tuned.next = null;
  if (tuned.busy) ask("drop", { page: tuned.page }).catch(() => {});
  note("");
  if (String(step().region) !== String(regionBox())) compute(form());
  else show();
}

byId("undo").onclick = () => go(-1);
byId("redo").onclick = () => go(1);
byId("tune").addEventListener("toggle", () => byId("tune").open && begin());
byId("add-option").onchange = ({ target }) => {
  if (target.value) compute(withOption(form(), target.value));
  target.value = "";
};
byId("run-whole").onclick = () => startWhole(form());

setInterval(async () => {
  if (!tuned.busy) return;
  const { doing } = await ask("tuning").catch(() => ({ doing: "" }));
  byId("tune-progress").textContent = tuned.busy ? doing : ""; // it may be done by now; a screen reader says the note only
}, 700);
onState(() => {
  renew();
  byId("tune").hidden = !state.stores[0]?.options;
  byId("tune-title").textContent = state.stores.length > 1 ? `Tune ${state.stores[0].name}` : "Tune";
});
