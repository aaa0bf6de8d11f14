// Options as fields and sliders, made from their declarations; every change gives the whole form to ``changed``. A form
// of the same options is filled in place: no answer takes a field away from who types in it or a slider from the mouse.

import { byId, element } from "./ask.js";
import { fillRow, optionRow } from "./option_row.js";

const shown = { declared: [], form: [], changed: null, shape: "" };
const kindOf = (name) => shown.declared.find((kind) => kind.name === name);
const sections = () => [...new Set(shown.declared.map((kind) => kind.section))];
const sectionOf = (option) => sections().indexOf(kindOf(option.name).section);

export function declareOptions(declarations) {
  shown.declared = declarations;
  const offered = declarations.filter((kind) => !kind.fixed);
  const groups = sections().map((label) => [label, offered.filter((kind) => kind.section === label)]);
  byId("add-option").replaceChildren(
    element("option", { value: "", textContent: "Add an option …" }),
    ...groups.filter(([, kinds]) => kinds.length).map(([label, kinds]) => element("optgroup", { label },
      ...kinds.map((kind) => element("option", { value: kind.name, textContent: `--${kind.name}`, title: kind.help })))),
  );
}

// The form with another option: behind those of its section, before them if it must be the first.
export function withOption(form, name) {
  const added = { name, values: {} };
  const own = sectionOf(added);
  const at = form.filter((option) => (kindOf(name).first ? sectionOf(option) < own : sectionOf(option) <= own)).length;
  return [...form.slice(0, at), added, ...form.slice(at)];
}

export function fillForm(form, changed) {
  Object.assign(shown, { form, changed });
  const shape = JSON.stringify(form.map((option) => [option.name, option.text === undefined]));
  if (shape !== shown.shape) build(shape);
  else form.forEach(fill);
}

// What had the focus keeps it: ``focus`` names what has taken its place where options moved.
let focus = "";
function build(shape) {
  const used = focus || document.activeElement?.id;
  shown.shape = shape;
  focus = "";
  byId("form").replaceChildren(...shown.form.map(fieldset));
  if (used) document.getElementById(used)?.focus();
}

function fill(option, at) {
  const box = byId("form").children[at];
  box.querySelector("legend").textContent = textOf(option);
  for (const row of box.querySelectorAll(".row")) fillRow(row, option.values[row.dataset.field]);
}

const textOf = (option) => option.text ?? `--${option.name}`;
const idOf = (option, at, what) => `${option.name}-${at}-${what}`;

function fieldset(option, at) {
  const kind = kindOf(option.name);
  const rows = kind.fields.map((field) => optionRow(field, option.values[field.name], idOf(option, at, field.name), (value) => set(at, field.name, value)));
  const isGiven = (row, number) => rows[number].dataset.given;
  const rest = rows.filter((row, number) => !isGiven(row, number));
  const more = rest.length ? [element("details", {}, element("summary", { textContent: "More" }), ...rest)] : [];
  const buttons = element("div", { className: "moves" }, ...(kind.fixed ? [] : moves(option, at)));
  const title = kind.fixed ? `${kind.help} The frames were read with it: only another run changes it.` : kind.help;
  return element("fieldset", { title, disabled: kind.fixed }, element("legend", { textContent: textOf(option) }), buttons, ...rows.filter(isGiven), ...more);
}

function set(at, name, value) {
  const { form } = shown;
  const option = { ...form[at], values: { ...form[at].values, [name]: value } };
  shown.changed([...form.slice(0, at), option, ...form.slice(at + 1)]);
}

// Order counts among options of one section only.
const areAlike = (at, other) => Boolean(shown.form[other]) && sectionOf(shown.form[other]) === sectionOf(shown.form[at]);

function moves(option, at) {
  const up = areAlike(at, at - 1) ? [moveButton(option, at, "up", "↑", () => move(at, -1))] : [];
  const down = areAlike(at, at + 1) ? [moveButton(option, at, "down", "↓", () => move(at, 1))] : [];
  return [...up, ...down, moveButton(option, at, "remove", "Remove", () => remove(at))];
}

function moveButton(option, at, what, textContent, onclick) {
  const button = element("button", { id: idOf(option, at, what), textContent, className: "small", type: "button", onclick });
  button.setAttribute("aria-label", `${what === "remove" ? "Remove" : "Move"} --${option.name} ${what === "remove" ? "" : what}`.trim());
  return button;
}

// The focus stays on the same button of the option, on the other one where it can go no further.
function move(at, by) {
  const [forth, back] = by < 0 ? ["up", "down"] : ["down", "up"];
  focus = idOf(shown.form[at], at + by, areAlike(at, at + 2 * by) ? forth : back);
  const form = [...shown.form];
  form.splice(at + by, 0, ...form.splice(at, 1));
  shown.changed(form);
}

function remove(at) {
  focus = "add-option";
  shown.changed(shown.form.filter((option, number) => number !== at));
}
