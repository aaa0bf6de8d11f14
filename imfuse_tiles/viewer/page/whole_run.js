// The run on the whole with the options that were tuned: started, stopped, and watched until its end.

import { ask, byId, refresh, say } from "./ask.js";

let watching = false;

export async function startWhole(form) {
  try {
    await ask("whole", { form, result: byId("tune-result").value });
    say("The whole run has begun.");
    watchWhole();
  } catch (error) {
    say(error.message, true);
  }
}

// Tells the end of a run that goes on; another page, or this one before it was loaded again, may have started it.
export async function watchWhole() {
  if (watching) return;
  watching = true;
  let now = await wholeRun();
  const began = now.going;
  while (now.going) {
    setButtons(true);
    await new Promise((wake) => setTimeout(wake, 500));
    now = await wholeRun();
  }
  watching = false;
  setButtons(false);
  if (began) tellEnd(now);
  refresh();
}

const wholeRun = () => ask("tuning").catch((error) => ({ going: false, code: 1, error: error.message }));

function setButtons(going) {
  byId("run-whole").disabled = going;
  byId("stop-whole").hidden = !going;
}

function tellEnd({ code, error, stopped, result }) {
  if (error?.includes("--force")) say(`${result}: is there already; choose another name for the result`, true);
  else if (stopped) say("The whole run was stopped. Run on the whole goes on from there.");
  else if (code) say(`The whole run ended with an error: ${error}`, true);
  else say(`The whole run is done: ${result}`);
}

byId("stop-whole").onclick = async () => {
  say("The whole run is being stopped …");
  await ask("stop").catch((error) => say(error.message, true));
};
