// Files of retouching: the result that is exported, with its strokes beside it, and strokes of a file that are added.

import { ask, byId } from "./ask.js";
import { addStrokes, note } from "./strokes.js";

const button = byId("retouch-export");
const overwrite = (on) => {
  button.dataset.overwrite = on ? "yes" : "";
  button.textContent = on ? "Overwrite" : "Export";
};

// A file that is there already is written over by a second press only.
button.onclick = async () => {
  note("writing …");
  button.disabled = true;
  const about = { result: byId("retouch-result").value, force: Boolean(button.dataset.overwrite) };
  overwrite(false);
  try {
    const { result, option } = await ask("export", about);
    note(`${result} is written. Another run takes the strokes with ${option}`);
  } catch (error) {
    note(error.message.includes("--force") ? `${about.result}: is there already; choose another name, or press Overwrite` : error.message, true);
    overwrite(error.exists);
  }
  button.disabled = false;
};
byId("retouch-result").oninput = () => overwrite(false);

byId("strokes-load").onclick = async () => {
  try {
    await addStrokes((await ask("load_strokes", { file: byId("strokes-file").value })).strokes);
  } catch (error) {
    note(error.message, true);
  }
};
