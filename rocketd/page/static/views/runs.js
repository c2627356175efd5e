// The runs of all tasks, or of one: since yesterday, unless asked for more; new ones are announced, not pushed in.

import { h } from "../dom.js";
import { filters, PAGE } from "../filters.js";
import { date, instant, shifted } from "../format.js";
import { nothing } from "../parts.js";
import { runsTable } from "../runs_table.js";
import { words } from "../words.js";

const DAYS = { "": 1, today: 0, week: 7, month: 31, all: null };

/** Return from when on runs are shown, by a choice of `words.runs.periods`; null: all. */
export function beginning(period) {
    const days = DAYS[period] === undefined ? 1 : DAYS[period];
    return days === null ? null : new Date(instant(`${shifted(date(Date.now()), -days)}T00:00`)).toISOString();
}

export function runs(app, _, query) {
    const text = words.runs;
    /** @type {import("../types.js").Run[]} */
    let shown = [];
    let fresh = 0;
    const { given, choice, pages } = filters(app, "runs", query);

    return {
        title: given("task") ? text.of(given("task")) : text.title,

        async load() {
            fresh = 0;
            shown = await app.api.get("/v1/runs", { task: given("task"), action: given("action"), trigger: given("trigger"), since: beginning(given("since")), after: given("after"), limit: PAGE });
        },

        heard(event) {
            if (given("task") && event.task !== given("task")) return;
            if (event.event === "started" && !given("after")) fresh += 1;
            if (event.event === "finished") shown = shown.map(run => run.run_id === event.run_id ? { ...run, ...event } : run);
        },

        render() {
            return [
                h("h2", {}, given("task") ? [text.title, " ", h("a", { href: `#/task/${encodeURIComponent(given("task"))}` }, given("task"))] : text.title),
                h("div", { class: "filters" }, choice("action", text.filters.action, text.actions), choice("trigger", text.filters.trigger, text.triggers), choice("since", text.filters.since, text.periods)),
                fresh ? h("p", {}, h("button", { type: "button", id: "fresh", class: "small", onclick: () => app.refresh() }, text.fresh(fresh))) : null,
                shown.length ? runsTable(shown, text.newest(shown.length)) : nothing(text.none),
                pages(text.pages, shown.length === PAGE && shown.at(-1).run_id, text.older),
            ];
        },
    };
}
