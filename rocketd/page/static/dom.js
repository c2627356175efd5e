// The only module that makes elements. A text is always a text: nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";
const HANDLERS = ["onclick", "oninput", "onchange", "onsubmit", "onkeydown", "ontoggle", "onscroll"];

const make = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
        if (value === undefined || value === null || value === false) continue;
        if (HANDLERS.includes(name)) element[name] = value;
        else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
    return element;
};

/** Make an HTML element: attributes that are null, undefined or false are left out, and so are such children. */
export const h = (tag, attributes = {}, ...children) => make(document.createElement(tag), attributes, children);

/** Make an SVG element in the same way. */
export const s = (tag, attributes = {}, ...children) => make(document.createElementNS(SVG, tag), attributes, children);

// Colours of terminals; control characters; characters that are invisible or turn the direction of a text around.
const COLOURS = /\x1b\[[0-9;]*m/g;
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const escaped = character => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0");

/** Show what a user or a program has written: what would not be seen, or would mislead, is shown as an escape. */
export const visible = text => String(text ?? "").replace(COLOURS, "").replace(HIDDEN, escaped);

/** @returns {HTMLInputElement | null} the box to search in, if the view has one */
export const searchBox = () => document.querySelector("#search");

/** Return an element with a text of a user, or null if the text is empty. */
export const code = text => text ? h("code", {}, visible(text)) : null;

// -- live changes: an element stays, with its focus, selection and scroll position, unless it is no longer there -------

const key = node => node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") || node.id : "";
const matches = (old, made) => old.nodeName === made.nodeName && key(old) === key(made);

/** Make `old` look like `made`, and change only what differs. Elements with `data-own` look after their children. */
export function morph(old, made) {
    if (!matches(old, made)) return void old.replaceWith(made);
    if (old.nodeType !== Node.ELEMENT_NODE) {
        if (old.data !== made.data) old.data = made.data;
        return;
    }
    morphAttributes(old, made);
    for (const handler of HANDLERS) if (old[handler] !== made[handler]) old[handler] = made[handler];
    if (!made.hasAttribute("data-own")) morphChildren(old, made);
}

// What a person has opened or typed is his.
const isTheUsers = (element, name) =>
    name === "open" || (name === "value" || name === "checked") && element === document.activeElement;

function morphAttributes(old, made) {
    for (const { name } of [...old.attributes]) {
        if (!made.hasAttribute(name) && !isTheUsers(old, name)) old.removeAttribute(name);
    }
    for (const { name, value } of [...made.attributes]) {
        if (old.getAttribute(name) !== value && !isTheUsers(old, name)) old.setAttribute(name, value);
    }
}

function morphChildren(old, made) {
    const wanted = new Set([...made.childNodes].map(key).filter(Boolean));
    for (const child of [...old.childNodes]) if (key(child) && !wanted.has(key(child))) child.remove();
    const keyed = new Map([...old.childNodes].filter(key).map(child => [key(child), child]));
    let place = old.firstChild;
    for (const child of [...made.childNodes]) {
        const match = key(child) ? keyed.get(key(child)) : place && matches(place, child) ? place : null;
        if (!match || match.nodeName !== child.nodeName) {
            old.insertBefore(child, place);
        } else {
            if (match === place) place = place.nextSibling;
            else move(old, match, place);
            morph(match, child);
        }
    }
    while (place) {
        const next = place.nextSibling;
        place.remove();
        place = next;
    }
}

// A moved element keeps its focus where the browser can do that.
const move = (parent, child, place) => parent.moveBefore ? parent.moveBefore(child, place) : parent.insertBefore(child, place);
