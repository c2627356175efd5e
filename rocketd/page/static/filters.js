// What a list is limited to stands in its address, so that it can be kept, sent and gone back to.

import { h, searchBox } from "./dom.js";
import { words } from "./words.js";

/** The entries of one page. */
export const PAGE = 100;
const TYPING = 200; // milliseconds

/** Return the filters of a list at `#/path?query`: what is given, and what changes it. */
export function filters(app, path, query) {
    let typing = 0;
    const given = name => query.get(name) ?? "";

    const go = (changes, replaces = false) => {
        clearTimeout(typing);
        const match = searchBox()?.value.trim() ?? given("match");
        for (const [name, value] of Object.entries({ after: "", focus: "", match, ...changes })) {
            if (value) query.set(name, value);
            else query.delete(name);
        }
        const address = `#/${path}${query.size ? `?${query}` : ""}`;
        if (replaces) {
            history.replaceState(history.state, "", address);
            app.refresh();
        } else {
            location.hash = address;
        }
    };
    const typed = () => {
        clearTimeout(typing);
        typing = setTimeout(() => go({}, true), TYPING);
    };

    const link = (key, changes, label) => h("a", { href: `#/${path}`, "data-key": key, onclick: event => { event.preventDefault(); go(changes); } }, label);

    return {
        given,
        typed,
        close: () => clearTimeout(typing),

        /** A box to search in; the key `/` goes there. What is typed into it before the next view is drawn is for that one. */
        search: label => h("input", { type: "search", id: "search", value: given("match"), placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false", oninput: () => app.view.typed?.() }),

        /** Buttons that limit the list to a state, each with how many there are: `labels` by state. */
        chips: (title, all, labels, counts) => h("div", { class: "chips", role: "group", "aria-label": title },
            Object.entries({ "": all, ...labels }).map(([state, label]) => h("button", { type: "button", "data-key": `chip-${state}`, class: state && !counts[state] ? "chip none" : "chip", "aria-pressed": given("state") === state ? "true" : "false", onclick: () => go({ state }) },
                label, state ? h("span", { class: "count" }, (counts[state] ?? 0).toLocaleString("en")) : null))),

        /** A list to choose from: `options` are values with their labels. */
        choice: (name, label, options) => h("label", {}, label, " ", h("select", { "data-key": name, id: `by-${name}`, onchange: event => go({ [name]: event.target.value }) },
            Object.entries(options).map(([value, each]) => h("option", { value, selected: value === given(name) }, each)))),

        /** A link that changes the filters. */
        link,

        /** Links to the first page and to the one that begins after that entry; null if there is only this one. */
        pages: (title, after, label) => after || given("after") ? h("nav", { class: "pages", "aria-label": title },
            given("after") ? link("first", {}, words.tasks.first) : null, after ? link("next", { after }, label) : null) : null,

        /** Put the cursor into the search, if that is what the address says. */
        drawn() {
            if (given("focus") !== "search") return;
            query.delete("focus");
            searchBox().focus();
        },
    };
}
