// The first view: what runs, what needs a look, what comes next, and the last 24 hours.

import { h, visible } from "../dom.js";
import { duration } from "../format.js";
import { barsOfDay } from "../charts.js";
import { ago, badge, condition, elapsed, isLate, nothing, section, stateOf, table, taskLink, when, whenAgo } from "../parts.js";
import { ifAllowed } from "../transport.js";
import { words } from "../words.js";

const SHOWN = 10;
const STEP = 900; // seconds of one bar
const BARS = 96;
const TIDY = 15_000; // milliseconds between two looks at lists that events alone cannot fill up

export function overview(app) {
    const { model } = app;
    const text = words.overview;
    let counts = {};
    /** @type {Record<string, string[]>} */
    let lists = { running: [], failed: [], late: [], next: [] };
    /** @type {import("../types.js").Statistics | null} */
    let stats = null;

    const list = query => app.api.get("/v1/tasks", { limit: SHOWN, ...query });
    const since = () => Math.floor(Date.now() / 1000 / STEP - BARS + 1) * STEP * 1000;

    return {
        title: text.title,

        async load() {
            const period = { since: new Date(since()).toISOString(), step: STEP };
            const [running, failed, late, next, bars] = await Promise.all([
                list({ state: "running", limit: 50 }), list({ state: "failed", order: "last" }), list({ state: "late" }),
                list({ order: "next", state: "enabled" }), ifAllowed(app.api.get("/v1/stats", period))]);
            counts = running.counts;
            model.counts = counts;
            lists = Object.fromEntries(Object.entries({ running, failed, late, next }).map(([name, answer]) => [name, model.take(answer.tasks)]));
            stats = bars;
        },

        heard(event) {
            if (event.event === "task") sort(event, lists, counts);
            if (event.event === "finished" || event.event === "missed") {
                count(event, stats, since());
                app.refreshSoon(TIDY);
            }
        },

        render() {
            const running = model.rows(lists.running).filter(task => task.running);
            const next = model.rows(lists.next).filter(task => task.next && !task.paused && !task.running)
                .sort((a, b) => a.next < b.next ? -1 : 1).slice(0, SHOWN);
            return [
                h("h2", { class: "unseen" }, text.title),
                tiles(counts, model.status, running.length),
                h("div", { class: "columns" },
                    h("div", { "data-key": "left" },
                        section(text.running, runningTable(app, running)),
                        section(text.look, lookTable(model, lists))),
                    h("div", { "data-key": "right" },
                        stats ? section(text.day, barsOfDay(stats.buckets, STEP)) : null,
                        section(text.next, nextTable(next)))),
            ];
        },
    };
}

function tiles(counts, status, running) {
    const text = words.overview.tiles;
    const tile = (name, count, href, style) => h("a", { class: `tile ${count ? style : ""}`, href, "data-key": name },
        h("span", { class: "number" }, (count ?? 0).toLocaleString("en")), " ", h("span", { class: "label" }, text[name]));
    return h("div", { class: "tiles", role: "group", "aria-label": words.overview.counts },
        tile("running", Math.max(running, counts.running ?? 0), "#/tasks?state=running", "run"),
        tile("failed", counts.failed, "#/tasks?state=failed", "bad"),
        tile("late", counts.late, "#/tasks?state=late", "warn"),
        tile("paused", counts.paused, "#/tasks?state=paused", "warn"),
        tile("problems", status?.problems, "#/files", "bad"),
        tile("all", (counts.enabled ?? 0) + (counts.paused ?? 0) + (counts.disabled ?? 0), "#/tasks", ""));
}

function runningTable(app, tasks) {
    const text = words.overview;
    if (!tasks.length) return nothing(text.nothingRuns);
    return table(text.running, [text.task, [text.since, "time"], text.usual, [text.action, "end"]], tasks.map(task => [
        task.task, taskLink(task.task), [when(task.last_start), " ", h("span", { class: "dim" }, elapsed(task.last_start))],
        usual(task), app.actions.stopOf(task.task)]), { hidesCaption: true });
}

function nextTable(tasks) {
    const text = words.overview;
    if (!tasks.length) return nothing(text.noNext);
    const hasConditions = tasks.some(task => task.next_if);
    return table(text.next, [text.task, [text.at, "time"], ...hasConditions ? [text.needs] : []], tasks.map(task =>
        [task.task, taskLink(task.task), whenAgo(task.next), ...hasConditions ? [condition(task.next_if)] : []]), { hidesCaption: true });
}

// How far a run is, if it takes as long as the others.
function usual(task) {
    const { usual_runtime: seconds, last_start: start } = task;
    if (!seconds) return h("span", { class: "dim" }, "–");
    const since = Date.parse(start);
    return [h("progress", {
        max: seconds, value: Math.min(seconds, (Date.now() - since) / 1000), "data-since": since,
        "aria-label": words.overview.usually(duration(seconds)),
    }), " ", h("span", { class: "dim" }, words.overview.usually(duration(seconds)))];
}

const isSlow = task => task.running && task.slow_after && Date.now() - Date.parse(task.last_start) > task.slow_after * 1000;

function lookTable(model, lists) {
    const text = words.overview;
    const failed = model.rows(lists.failed).filter(task => task.failing && !task.disabled);
    const late = model.rows(lists.late).filter(task => isLate(task) && !failed.includes(task));
    const slow = model.rows(lists.running).filter(isSlow);
    const rows = [
        ...slow.map(task => [task, badge("late", text.slow(duration(task.slow_after))), task.last_start]),
        ...late.map(task => [task, badge("late"), task.overdue_at]),
        ...failed.map(task => [task, task.running ? [badge("run"), " ", badge("fail", text.before)] : stateOf(task), task.last_end ?? task.last_start]),
    ];
    if (!rows.length) return nothing(text.allWell);
    return table(text.look, [text.task, text.what, [text.since, "time"], [text.lastSuccess, "time"]], rows.slice(0, SHOWN).map(([task, what, time]) =>
        [task.task, [taskLink(task.task), task.description ? h("span", { class: "description" }, visible(task.description)) : null], what,
            whenAgo(time), task.last_success ? ago(task.last_success) : words.overview.never]), { hidesCaption: true });
}

// -- events -----------------------------------------------------------------------------------------------------------

const IS = {
    running: task => task.running,
    failed: task => task.failing && !task.disabled,
    late: isLate,
    next: task => task.next && !task.paused && !task.disabled,
};

// A row has come: into the lists it belongs, and out of the others.
function sort(task, lists, counts) {
    for (const [name, belongs] of Object.entries(IS)) {
        const is = lists[name].includes(task.task);
        if (Boolean(belongs(task)) === is) continue;
        lists[name] = is ? lists[name].filter(each => each !== task.task) : [...lists[name], task.task];
        if (name in counts && name !== "next") counts[name] = Math.max(0, counts[name] + (is ? -1 : 1));
    }
}

function count(event, stats, since) {
    if (!stats) return;
    const at = Math.floor(Date.parse(event.end ?? event.at) / 1000 / STEP) * STEP * 1000;
    const buckets = stats.buckets.filter(bucket => Date.parse(bucket.at) >= since);
    let bucket = buckets.find(each => Date.parse(each.at) === at);
    if (!bucket) buckets.push(bucket = { at: new Date(at).toISOString() });
    const action = event.event === "missed" ? "missed" : event.action;
    bucket[action] = (bucket[action] ?? 0) + (event.count ?? 1);
    stats.buckets = buckets;
}
