// The first view: what runs, what needs a look, what comes next, and the last 24 hours.

import { h, visible } from "../dom.js";
import { duration } from "../format.js";
import { barsOfDay, emptyBarsOfDay } from "../charts.js";
import { ago, badge, condition, elapsed, isLate, nothing, section, stateOf, table, taskLink, when, whenAgo } from "../parts.js";
import { ifAllowed } from "../transport.js";
import { words } from "../words.js";

const SHOWN = 10;
const MOST_NEXT = 100; // tasks among which those are found that come next
const STEP = 900; // seconds of one bar
const BARS = 96;
const TIDY = 15_000; // milliseconds between two looks at lists that events alone cannot fill up

export function overview(app) {
    const { model } = app;
    const text = words.overview;
    /** @type {Record<string, string[]>} */
    let lists = { running: [], failed: [], late: [], next: [] };
    /** Null: this user may not ask for it; undefined: it is on its way. @type {import("../types.js").Statistics | null | undefined} */
    let stats;

    const since = () => Math.floor(Date.now() / 1000 / STEP - BARS + 1) * STEP * 1000;

    return {
        title: text.title,

        async load() {
            const period = { since: new Date(since()).toISOString(), step: STEP };
            const bars = ifAllowed(app.api.get("/v1/stats", period));
            bars.catch(() => {}); // which is waited for below
            const answer = app.takeBegun() ?? app.know(await app.api.get("/v1/overview"));
            const { event_id: newest } = answer; // what happened after that is known from events
            model.count(answer.counts, newest);
            lists = Object.fromEntries(Object.keys(IS).map(name => [name, model.take(answer[name], newest)]));
            for (const row of model.changedSince(newest)) sort(row, lists);
            app.show(this);
            stats = await bars;
        },

        heard(event) {
            if (event.event === "task" && sort(event, lists)) model.take([event]);
            if (lists.next.length > MOST_NEXT) lists.next = next(model, lists).map(({ task }) => task);
            if (event.event === "finished" || event.event === "missed") {
                count(event, stats, since());
                app.refreshSoon(model.mayLook ? TIDY : undefined);
            }
        },

        render() {
            const running = model.rows(lists.running).filter(task => task.running);
            return [
                h("h2", { class: "unseen" }, text.title),
                tiles(model.counts, model.status),
                h("div", { class: "columns" },
                    h("div", { "data-key": "left" },
                        section(text.running, runningTable(app, running)),
                        section(text.look, lookTable(model, lists))),
                    h("div", { "data-key": "right" },
                        stats === null ? null : section(text.day, stats ? barsOfDay(stats.buckets, STEP) : emptyBarsOfDay()),
                        section(text.next, nextTable(next(model, lists))))),
            ];
        },
    };
}

function tiles(counts, status) {
    const text = words.overview.tiles;
    const tile = (name, count, href, style) => h("a", { class: `tile ${count ? style : ""}`, href, "data-key": name },
        h("span", { class: "number" }, (count ?? 0).toLocaleString("en")), " ", h("span", { class: "label" }, text[name]));
    return h("div", { class: "tiles", role: "group", "aria-label": words.overview.counts },
        tile("running", counts.running, "#/tasks?state=running", "run"),
        tile("failed", counts.failed, "#/tasks?state=failed", "bad"),
        tile("late", counts.late, "#/tasks?state=late", "warn"),
        tile("paused", counts.paused, "#/tasks?state=paused", "warn"),
        tile("problems", status?.problems, "#/files", "bad"),
        tile("all", counts.enabled + counts.paused + counts.disabled, "#/tasks", ""));
}

function runningTable(app, tasks) {
    const text = words.overview;
    if (!tasks.length) return nothing(text.nothingRuns);
    return table(text.running, [text.task, [text.since, "time"], text.usual, [text.action, "end"]], tasks.map(task => [
        task.task, taskLink(task.task), [when(task.last_start), " ", h("span", { class: "dim" }, elapsed(task.last_start))],
        usual(task), app.actions.stopOf(task.task)]), { hidesCaption: true });
}

const next = (model, lists) => model.rows(lists.next).filter(task => task.next && !task.paused && !task.running)
    .sort((a, b) => a.next < b.next ? -1 : 1).slice(0, SHOWN);

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

// A row has come: into the lists where it belongs, and out of the others. Returns whether it is in any of them.
function sort(task, lists) {
    const belongs = Object.keys(IS).filter(name => IS[name](task));
    for (const name of Object.keys(IS)) {
        if (belongs.includes(name) === lists[name].includes(task.task)) continue;
        lists[name] = belongs.includes(name) ? [...lists[name], task.task] : lists[name].filter(each => each !== task.task);
    }
    return belongs.length > 0;
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
