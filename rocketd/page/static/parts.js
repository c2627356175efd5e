// What several views are made of: times, states, tables, links.

import { code, h, visible } from "./dom.js";
import { duration, full, moment, relative } from "./format.js";
import { words } from "./words.js";

// -- times: what is relative is written again each second, see `tick` ---------------------------------------------------

const at = time => typeof time === "string" ? Date.parse(time) : time;

/** Return a time, as short as it is clear; the whole of it is in its tooltip. */
export const when = time => time ? h("time", { datetime: new Date(at(time)).toISOString(), title: full(at(time)) }, moment(at(time))) : "–";

/** Return the distance of a time from now. */
export const ago = time => time && h("span", { class: "dim", "data-relative": at(time) }, relative(at(time)));

/** Return a time and its distance. */
export const whenAgo = time => time ? [when(time), " ", ago(time)] : "–";

/** Return how long something takes that began then. */
export const elapsed = time => h("span", { "data-elapsed": at(time) }, duration((Date.now() - at(time)) / 1000));

/** Write all relative times again. */
export function tick(root = document) {
    /** @param {HTMLElement} element @param {string} text */
    const write = (element, text) => { if (element.textContent !== text) element.firstChild.nodeValue = text; };
    /** @returns {Iterable<any>} */
    const all = selector => root.querySelectorAll(selector);
    for (const element of all("[data-relative]")) write(element, relative(Number(element.dataset.relative)));
    for (const element of all("[data-elapsed]")) {
        write(element, duration(Math.floor((Date.now() - Number(element.dataset.elapsed)) / 1000)));
    }
    for (const element of all("progress[data-since]")) {
        element.value = Math.min(element.max, (Date.now() - Number(element.dataset.since)) / 1000);
    }
}

// -- states: always a sign, a word and a colour -------------------------------------------------------------------------

const SIGNS = {
    success: "✓", fail: "✗", terminate: "■", crash: "⚡", inaction: "○", missed: "◇", withdrawn: "○", run: "▶",
    paused: "‖", disabled: "–", late: "◷", never: "·", due: "◔", standby: "○",
    alive: "●", silent: "◷", lost: "✗", stopped: "–",
};

/** Return a state: an action of a run, or what a task is. */
export const badge = (state, label = words.states[state] ?? state) =>
    state ? h("span", { class: `badge ${state}` }, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[state] ?? "?"), " ", label) : "–";

export const isLate = task => Boolean(task.overdue_at) && Date.parse(task.overdue_at) <= Date.now();

/** Return what is most important about a task. @param {Partial<import("./types.js").Task>} task */
export function stateOf(task) {
    if (task.running) return badge("run");
    if (task.elsewhere) return badge("disabled", words.elsewhere);
    if (task.disabled) return badge("disabled");
    if (task.standby) return [badge("standby"), task.failing ? [" ", badge(task.last_action)] : null];
    if (task.paused) return [badge("paused"), task.failing ? [" ", badge(task.last_action)] : null];
    if (task.waits) return badge("due", words.waits);
    if (!task.last_action) return badge("never");
    return [badge(task.last_action), isLate(task) ? [" ", badge("late")] : null];
}

// -- links ------------------------------------------------------------------------------------------------------------

export const taskLink = (name, label = name) => h("a", { href: `#/task/${encodeURIComponent(name)}` }, label);
export const runLink = (task, number, label = `${task}/${number}`) =>
    h("a", { href: `#/run/${encodeURIComponent(task)}/${number}` }, label);

/** Return the name of a task as a link, with its description. */
export const taskCell = task => [taskLink(task.task), task.description ? h("span", { class: "description" }, visible(task.description)) : null];

/** Return the condition of a task, in one line that is cut where it is too long. */
export const condition = text => h("span", { class: "condition", title: visible(text) }, code(text));

// -- tables: rows have keys, and on a narrow screen each of them is a card ----------------------------------------------

/** Make a table: `columns` are labels, or `[label, class]`; `rows` are `[key, cells…]`, the first cell heads its row. */
export function table(caption, columns, rows, { key = null, hidesCaption = false } = {}) {
    const named = columns.map(column => Array.isArray(column) ? column : [column, null]);
    return h("table", { "data-key": key },
        h("caption", { class: hidesCaption ? "unseen" : null }, caption),
        h("thead", {}, h("tr", {}, named.map(([label, style]) => h("th", { scope: "col", class: style }, label)))),
        h("tbody", {}, rows.map(([rowKey, ...cells]) => h("tr", { "data-key": rowKey }, cells.map((content, i) => i
            ? h("td", { class: named[i][1], "data-label": named[i][0] }, content)
            : h("th", { scope: "row", class: named[i][1] }, content))))));
}

/** Return terms and what stands for them; those without a value are left out. */
export function facts(pairs, style = "facts") {
    const given = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
    return h("dl", { class: style }, given.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))));
}

/** Return a section; it has a key, so that it stays itself when others come and go. */
export const section = (title, ...content) => h("section", { "data-key": `section ${title}` }, h("h3", {}, title), content);
export const nothing = text => h("p", { class: "nothing" }, text);

/** Return an error as a block: the sentence, and what to do. */
export const problem = error => h("div", { class: "problem", role: "alert" },
    h("p", {}, visible(error.message)), error.hint ? h("p", { class: "dim" }, visible(error.hint)) : null);
