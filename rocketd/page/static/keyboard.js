// Single keys: to a view, to the search, from row to row. They can be turned off, as speech input would press them.

import { h, searchBox } from "./dom.js";
import { words } from "./words.js";

const OFF = "rocketd-keys-off";
const PLACES = { o: "", t: "tasks", r: "runs", d: "day", f: "files", h: "fleet" };

const isOff = () => localStorage.getItem(OFF) === "yes";

/** Listen to the keyboard. */
export function keyboard() {
    let isGoing = false;
    addEventListener("keydown", event => {
        if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
        if (event.key === "?") return help();
        if (isOff()) return;
        const wasGoing = isGoing;
        isGoing = event.key === "g" && !wasGoing;
        if (wasGoing && event.key in PLACES) location.hash = `#/${PLACES[event.key]}`;
        else if (event.key === "/") search(event);
        else if (event.key === "j") toRow(1);
        else if (event.key === "k") toRow(-1);
    });
}

const isTyping = element => element.closest?.("input:not([type=checkbox]), textarea, select") !== null;

function search(event) {
    event.preventDefault();
    const box = searchBox();
    if (box) box.focus();
    else location.hash = "#/tasks?focus=search";
}

// Rows are their links: Enter opens them, and a screen reader reads them.
function toRow(step) {
    const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("main tbody th a, main tbody th button")]);
    const now = links.findIndex(link => link === document.activeElement);
    links[Math.max(0, Math.min(links.length - 1, now + step))]?.focus();
}

function help() {
    const { title, rows, off, close } = words.keys;
    const dialog = h("dialog", { "aria-labelledby": "keys-title" },
        h("h2", { id: "keys-title" }, title),
        h("dl", { class: "keys" }, rows.map(([keys, meaning]) => h("div", {}, h("dt", {}, keys.split(" ").map(key => h("kbd", {}, key))), h("dd", {}, meaning)))),
        h("p", {}, h("label", {}, h("input", {
            type: "checkbox", checked: isOff(),
            onchange: event => localStorage.setItem(OFF, event.target.checked ? "yes" : "no"),
        }), " ", off)),
        h("p", { class: "buttons" }, h("button", { type: "button", class: "primary", onclick: () => dialog.close() }, close)));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
}
