// The list of tasks: searched, filtered and put in order by the daemon, a page at a time.

import { h } from "../dom.js";
import { duration } from "../format.js";
import { condition, nothing, stateOf, table, taskCell, whenAgo } from "../parts.js";
import { words } from "../words.js";

const PAGE = 100;
const TYPING = 200; // milliseconds
const STATES = ["failed", "late", "running", "paused", "disabled", "missed"];

export function tasks(app, _, query) {
    const { model } = app;
    const text = words.tasks;
    let names = [];
    let answer = { counts: {}, total: 0, next: null };
    let typing = 0;
    const given = name => query.get(name) ?? "";

    // The address says what is shown, so that it can be kept, sent and gone back to.
    const go = (changes, replaces = false) => {
        clearTimeout(typing);
        const typed = document.querySelector("#search").value.trim();
        for (const [name, value] of Object.entries({ after: "", focus: "", match: typed, ...changes })) {
            if (value) query.set(name, value);
            else query.delete(name);
        }
        const address = `#/tasks${query.size ? `?${query}` : ""}`;
        if (replaces) {
            history.replaceState(history.state, "", address);
            app.refresh();
        } else {
            location.hash = address;
        }
    };
    const type = () => {
        clearTimeout(typing);
        typing = setTimeout(() => go({}, true), TYPING);
    };

    return {
        title: text.title,
        close: () => clearTimeout(typing),

        async load() {
            const wanted = { match: given("match"), state: given("state"), tag: given("tag"), order: given("order"), after: given("after"), limit: PAGE };
            answer = await app.api.get("/v1/tasks", wanted);
            names = model.take(answer.tasks);
        },

        heard(event) {
            if (event.event === "tasks") app.refreshSoon();
        },

        drawn() {
            if (given("focus") !== "search") return;
            query.delete("focus");
            document.querySelector("#search").focus();
        },

        render() {
            const rows = model.rows(names);
            return [
                h("h2", {}, text.title),
                h("div", { class: "filters", role: "search" },
                    h("input", { type: "search", id: "search", value: given("match"), placeholder: text.search, "aria-label": text.search, autocomplete: "off", spellcheck: "false", oninput: type }),
                    h("div", { class: "chips", role: "group", "aria-label": text.filter },
                        chip("", text.all, null), STATES.map(state => chip(state, words.tasks.states[state], answer.counts[state] ?? 0))),
                    h("label", {}, text.order, " ", h("select", { id: "order", onchange: event => go({ order: event.target.value }) },
                        Object.entries(text.orders).map(([value, label]) => h("option", { value, selected: value === given("order") }, label))))),
                given("tag") ? h("p", {}, text.tagged(given("tag")), " ", h("a", { href: "#/tasks" }, text.all)) : null,
                rows.length ? list(rows) : nothing(given("match") || given("state") ? text.noneFound : text.none),
                pages(),
            ];
        },
    };

    function chip(state, label, count) {
        return h("button", { type: "button", "data-key": `chip-${state}`, class: count === 0 ? "chip none" : "chip", "aria-pressed": given("state") === state ? "true" : "false", onclick: () => go({ state }) },
            label, count === null ? null : h("span", { class: "count" }, count.toLocaleString("en")));
    }

    function list(rows) {
        const { columns } = text;
        return table(text.shown(rows.length, answer.total), [columns.task, columns.last, [columns.when, "time"], [columns.took, "number"], [columns.next, "time"], columns.condition], rows.map(task => [
            task.task, taskCell(task), stateOf(task), whenAgo(task.last_start), took(task), task.paused || task.disabled ? "–" : whenAgo(task.next), condition(task.when)]));
    }

    function pages() {
        if (!answer.next && !given("after")) return null;
        return h("nav", { class: "pages", "aria-label": text.pages },
            given("after") ? h("a", { href: "#/tasks", "data-key": "first", onclick: event => { event.preventDefault(); go({}); } }, text.first) : null,
            answer.next ? h("a", { href: "#/tasks", "data-key": "next", onclick: event => { event.preventDefault(); go({ after: answer.next }); } }, text.next) : null);
    }
}

const took = task => task.last_runtime === null || task.last_runtime === undefined ? "–"
    : [duration(task.last_runtime), task.usual_runtime ? h("span", { class: "dim" }, ` ${words.tasks.of} ${duration(task.usual_runtime)}`) : null];
