// One argument of an option: a box, a list, a number with a slider, or a text.

import { element } from "./ask.js";

// Long words of help are cut; the whole is told on hovering, and to screen readers.
const LONGEST = 90;
const isEmpty = (value) => value === null || value === undefined;

// ``set`` is called with a new value, null where it is left to the default. ``dataset.given``: whether it is in use.
export function optionRow(field, value, id, set) {
  const help = field.name.startsWith("word") ? field.help : `${field.name}: ${field.help}`;
  const short = help.length > LONGEST ? `${help.slice(0, help.lastIndexOf(" ", LONGEST))} …` : help;
  const label = element("label", { textContent: short, htmlFor: id, title: help });
  const kind = field.kind === "flag" ? box : field.choices.length ? list : numberOrText;
  const row = kind(field, id, label, set);
  row.dataset.field = field.name;
  if (!isEmpty(value) && (value !== field.default || field.slider)) row.dataset.given = "yes";
  if (short !== help) row.querySelector(`#${id}`).setAttribute("aria-description", help);
  fillRow(row, value);
  return row;
}

// Shows a value, unless another one is just being entered.
export function fillRow(row, value) {
  const slider = row.querySelector("[type=range]");
  const inputs = [...row.querySelectorAll("input, select")];
  if (inputs.some((input) => input === document.activeElement && isBeingEntered(input))) return;
  slider?.toggleAttribute("hidden", isEmpty(value));
  row.classList.toggle("amount", Boolean(slider) && !isEmpty(value));
  for (const input of inputs) {
    if (input.type === "checkbox") input.checked = Boolean(value);
    else input.value = value ?? "";
    if (input === slider) widen(slider, value);
    input.dataset.filled = input.value;
  }
}

const isBeingEntered = (input) => input.type !== "checkbox" && input.value !== input.dataset.filled;

function widen(slider, value) {
  if (isEmpty(value)) return;
  slider.min = Math.min(slider.min, value);
  slider.max = Math.max(slider.max, value);
  slider.value = value;
}

function box(field, id, label, set) {
  const input = element("input", { type: "checkbox", id });
  input.onchange = () => set(input.checked);
  return element("div", { className: "row check" }, input, label);
}

function list(field, id, label, set) {
  const select = element("select", { id }, element("option", { value: "", textContent: "by default" }),
    ...field.choices.map((choice) => element("option", { value: choice, textContent: choice })));
  select.onchange = () => { select.dataset.filled = select.value; set(select.value || null); };
  return element("div", { className: "row" }, label, select);
}

function numberOrText(field, id, label, set) {
  const isNumber = field.kind === "number" || field.kind === "integer";
  const text = element("input", { id, type: isNumber ? "number" : "text", placeholder: "by default" });
  if (isNumber) Object.assign(text, { step: "any", min: field.low ?? "", max: field.high ?? "" });
  const enter = (input) => {
    input.dataset.filled = input.value;
    set(input.value === "" ? null : isNumber ? Number(input.value) : input.value);
  };
  text.onchange = () => enter(text);
  return element("div", { className: "row" }, label, ...(field.slider ? [sliderOf(field, id, text, enter)] : []), text);
}

function sliderOf(field, id, text, enter) {
  const [min, max, step] = field.slider;
  const slider = element("input", { type: "range", id: `${id}-slider`, min, max, step });
  slider.setAttribute("aria-label", `${field.name}: ${field.help}`);
  slider.oninput = () => (text.value = slider.value);
  slider.onchange = () => enter(slider);
  return slider;
}
