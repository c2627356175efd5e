// The list of tasks: searched, filtered and put in order by the daemon, a page at a time.

import { h } from "../dom.js";
import { filters, PAGE } from "../filters.js";
import { duration } from "../format.js";
import { condition, nothing, stateOf, table, taskCell, whenAgo } from "../parts.js";
import { words } from "../words.js";

export function tasks(app, _, query) {
    const { model } = app;
    const text = words.tasks;
    let names = [];
    /** @type {import("../types.js").PageOfTasks} */
    let answer = { counts: /** @type {any} */ ({}), tasks: [], total: 0, next: null };
    const { given, close, typed, search, chips, choice, pages, drawn } = filters(app, "tasks", query);
    const isOfAll = () => !given("match") && !given("tag"); // events tell how many those are

    return {
        title: text.title,
        close,
        typed,
        drawn,

        async load() {
            const wanted = { match: given("match"), state: given("state"), tag: given("tag"), order: given("order"), after: given("after"), limit: PAGE };
            const since = model.eventId;
            answer = await app.api.get("/v1/tasks", wanted);
            names = model.take(answer.tasks, since);
            if (isOfAll()) model.count(answer.counts, since);
        },

        heard(event) {
            if (event.event === "tasks") app.refreshSoon();
        },

        render() {
            const rows = model.rows(names);
            return [
                h("h2", {}, text.title),
                h("div", { class: "filters", role: "search" },
                    search(text.search),
                    chips(text.filter, text.all, text.states, isOfAll() ? model.counts ?? answer.counts : answer.counts),
                    choice("order", text.order, text.orders)),
                given("tag") ? h("p", {}, text.tagged(given("tag")), " ", h("a", { href: "#/tasks" }, text.all)) : null,
                rows.length ? list(rows) : nothing(given("match") || given("state") ? text.noneFound : text.none),
                pages(text.pages, answer.next, text.next),
            ];
        },
    };

    function list(rows) {
        const { columns } = text;
        return table(text.shown(rows.length, answer.total), [columns.task, columns.last, [columns.when, "time"], [columns.took, "number"], [columns.next, "time"], columns.condition], rows.map(task => [
            task.task, taskCell(task), stateOf(task), whenAgo(task.last_start), took(task), task.paused || task.disabled ? "–" : whenAgo(task.next), condition(task.when)]));
    }
}

const took = task => task.last_runtime === null || task.last_runtime === undefined ? "–"
    : [duration(task.last_runtime), task.usual_runtime ? h("span", { class: "dim" }, ` ${words.tasks.of} ${duration(task.usual_runtime)}`) : null];
