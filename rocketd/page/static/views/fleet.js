// Several hosts with one history: who is there, and the tasks and runs of all of them, as their database has them.

import { h, visible } from "../dom.js";
import { filters, PAGE } from "../filters.js";
import { counted, duration } from "../format.js";
import { BAD } from "../model.js";
import { ago, badge, nothing, problem, runLink, section, stateOf, table, taskLink, when, whenAgo } from "../parts.js";
import { words } from "../words.js";
import { beginning } from "./runs.js";

const WRONG = 10; // runs that went wrong, on the first page
const AGAIN = 5000; // milliseconds: nothing tells this host what happens on the others
const CLOCK = 0.5; // seconds: how far a clock may differ before it is marked
const NAMED = 3;

const PARTS = { "": hosts, tasks, runs };

export function fleet(app, [part = ""], query) {
    const which = part in PARTS ? part : "";
    return PARTS[which](app, query, parts(which));
}

const parts = current => h("nav", { class: "pages", "aria-label": words.fleet.title }, Object.entries(words.fleet.parts).map(([part, label]) =>
    h("a", { href: part ? `#/fleet/${part}` : "#/fleet", "data-key": `part-${part}`, "aria-current": part === current ? "page" : null }, label)));

// What was read last stays while the database cannot be reached, with the time of it.
function reader(app, read) {
    let readAt = 0;
    const it = {
        answer: null,
        error: null,
        async load() {
            try {
                [it.answer, it.error, readAt] = [await read(), null, Date.now()];
            } catch (error) {
                if (error.status !== 503 || !it.answer) throw error;
                it.error = error;
            } finally {
                if (app.viewName === "fleet") app.refreshSoon(AGAIN);
            }
        },
        trouble: () => it.error ? [problem(it.error), h("p", { class: "dim" }, words.fleet.asOf, " ", when(new Date(readAt).toISOString()), ".")] : null,
    };
    return it;
}

/**
 * @typedef {import("../types.js").Host} Host
 * @typedef {import("../types.js").FleetTask} FleetTask
 * @typedef {import("../types.js").FleetRun} FleetRun
 */

// -- hosts ------------------------------------------------------------------------------------------------------------

function hosts(app, _, links) {
    const text = words.fleet;
    const it = reader(app, async () => {
        const since = beginning("");
        const [all, wrong] = await Promise.all([app.api.get("/v1/fleet"), app.api.get("/v1/fleet/runs", { action: BAD.join(), since, limit: WRONG })]);
        return { ...all, wrong };
    });

    return {
        title: text.title,
        load: it.load,

        render() {
            const { fleet: name, host: here, hosts: all, wrong } = it.answer;
            const alive = all.filter(({ state }) => state === "alive").length;
            return [
                h("h2", {}, text.named(name)), links, it.trouble(),
                all.length ? hostTable(all, here, text.alive(all.length, alive)) : nothing(text.noHosts),
                section(text.wrong, wrong.length ? runTable(wrong, here, text.newest(wrong.length)) : nothing(text.allWell)),
            ];
        },
    };
}

/** @param {Host[]} all @param {string} here @param {string} caption */
function hostTable(all, here, caption) {
    const { columns } = words.fleet;
    return table(caption, [columns.host, columns.state, columns.lease, [columns.seen, "time"], columns.clock, columns.version, [columns.tasks, "number"], [columns.running, "number"], [columns.owned, "number"], columns.notes],
        all.map(host => [host.host,
            h("a", { href: `#/fleet/tasks?host=${encodeURIComponent(host.host)}` }, visible(host.host)), badge(host.state), lease(host), ago(host.seen), clock(host.clock_offset),
            visible(host.version), host.tasks.toLocaleString("en"), host.state === "alive" ? host.running.toLocaleString("en") : "–", host.owned.toLocaleString("en"), notes(host, here)]), { key: "hosts" });
}

/** @param {Host} host */
const lease = ({ state, lease_left: left }) => state === "alive" ? duration(Math.max(left, 0.001)) : state === "stopped" ? "–" : words.fleet.leaseOver;

function clock(offset) {
    if (offset === null) return "–";
    if (Math.abs(offset) < 0.0005) return duration(0);
    const shown = `${offset < 0 ? "−" : "+"}${duration(Math.abs(offset))}`;
    return Math.abs(offset) < CLOCK ? shown : badge("late", shown);
}

/** @param {Host} host @param {string} here */
function notes(host, here) {
    const text = words.fleet;
    const more = host.differs.length > NAMED ? ` ${text.more(host.differs.length - NAMED)}` : "";
    const all = [
        host.host === here ? text.here : null,
        host.tags.length ? host.tags.map(tag => `@${visible(tag)}`).join(" ") : null,
        host.waiting ? text.waiting(counted(host.waiting, "record")) : null,
        host.differs.length ? badge("missed", text.differs(host.differs.slice(0, NAMED).map(visible).join(", ") + more)) : null,
    ].filter(Boolean);
    return all.length ? all.flatMap((note, i) => i ? ["; ", note] : [note]) : "–";
}

// -- tasks ------------------------------------------------------------------------------------------------------------

function tasks(app, query, links) {
    const text = words.fleet;
    const { given, close, typed, search, chips, choice, pages, drawn } = filters(app, "fleet/tasks", query);
    const it = reader(app, async () => {
        const wanted = { match: given("match"), host: given("host"), state: given("state"), after: given("after"), limit: PAGE };
        const [found, all] = await Promise.all([app.api.get("/v1/fleet/tasks", wanted), app.api.get("/v1/fleet")]);
        return { ...found, ...all };
    });

    return {
        title: text.parts.tasks,
        load: it.load,
        close,
        typed,
        drawn,

        render() {
            const { tasks: rows, total, next, counts, host: here, hosts: all } = it.answer;
            return [
                h("h2", {}, text.parts.tasks), links, it.trouble(),
                h("div", { class: "filters", role: "search" },
                    search(text.search), chips(words.tasks.filter, words.tasks.all, text.states, counts), choice("host", text.columns.host, hostNames(all))),
                rows.length ? taskTable(rows, here, all, words.tasks.shown(rows.length, total)) : nothing(words.tasks.noneFound),
                pages(words.tasks.pages, next, words.tasks.next),
            ];
        },
    };
}

const hostNames = all => ({ "": words.fleet.anyHost, ...Object.fromEntries(all.map(({ host }) => [host, visible(host)])) });

/** @param {FleetTask[]} rows @param {string} here @param {Host[]} all @param {string} caption */
function taskTable(rows, here, all, caption) {
    const { columns } = words.fleet;
    const states = new Map(all.map(({ host, state }) => [host, state]));
    const named = host => [visible(host), states.get(host) === "alive" ? null : [" ", badge(states.get(host) ?? "lost")]];
    return table(caption, [columns.task, columns.host, columns.last, [columns.when, "time"], [columns.next, "time"], columns.owner], rows.map(task => [
        `${task.task}/${task.host}`,
        [task.host === here ? taskLink(task.task) : h("a", { href: runsOf(task.task, task.host) }, visible(task.task)), task.description ? h("span", { class: "description" }, visible(task.description)) : null],
        named(task.host), stateOf(ownerIsKnown(task)), whenAgo(task.last_start), task.alive && task.next && !task.paused && !isAnothers(task) ? whenAgo(task.next) : "–",
        task.run_on !== "one" ? "–" : task.owner ? named(task.owner) : badge("late", words.fleet.noOwner)]), { key: "fleet-tasks" });
}

// The database says who owns a task; what its host has shown of it last may be older.
/** @param {FleetTask} task */
const isAnothers = task => task.run_on === "one" && task.owner !== task.host;
const ownerIsKnown = task => ({ ...task, standby: isAnothers(task) ? task.owner ?? words.fleet.noOwner : null });

const runsOf = (task, host) => `#/fleet/runs?task=${encodeURIComponent(task)}&host=${encodeURIComponent(host)}&since=all`;

// -- runs -------------------------------------------------------------------------------------------------------------

function runs(app, query, links) {
    const text = words.fleet;
    const { given, choice, link, pages } = filters(app, "fleet/runs", query);
    const it = reader(app, async () => {
        const wanted = { task: given("task"), host: given("host"), action: given("action"), since: beginning(given("since")), after: given("after"), limit: PAGE };
        const [found, all] = await Promise.all([app.api.get("/v1/fleet/runs", wanted), app.api.get("/v1/fleet")]);
        return { ...all, found };
    });

    return {
        title: given("task") ? words.runs.of(given("task")) : text.parts.runs,
        load: it.load,

        render() {
            const { found, host: here, hosts: all } = it.answer;
            return [
                h("h2", {}, given("task") ? words.runs.of(given("task")) : text.parts.runs), links, it.trouble(),
                h("div", { class: "filters" }, choice("action", words.runs.filters.action, words.runs.actions), choice("host", text.columns.host, hostNames(all)), choice("since", words.runs.filters.since, words.runs.periods),
                    given("task") ? link("any-task", { task: "" }, text.anyTask) : null),
                found.length ? runTable(found, here, words.runs.newest(found.length)) : nothing(words.runs.none),
                pages(words.runs.pages, found.length === PAGE && nameOf(found.at(-1)), words.runs.older),
            ];
        },
    };
}

/** @param {FleetRun} run */
const nameOf = run => `${run.host}/${run.scope}/${run.run_id}`;

/** @param {FleetRun[]} found @param {string} here @param {string} caption */
function runTable(found, here, caption) {
    const { columns } = words.runs;
    return table(caption, [columns.task, words.fleet.columns.host, columns.run, columns.ended, [columns.started, "time"], [columns.took, "number"], columns.why], found.map(run => [
        `${run.scope}/${run.run_id}`,
        run.host === here ? taskLink(run.task) : visible(run.task), visible(run.host),
        run.action === "missed" ? "–" : run.host === here ? runLink(run.task, run.number, `#${run.number}`) : `#${run.number}`,
        run.open ? badge("lost", words.fleet.open) : badge(run.action), whenAgo(run.start ?? run.end), ["run", "missed"].includes(run.action) ? "–" : duration(run.runtime),
        [visible(run.reason), run.message ? h("span", { class: "description" }, visible(run.message)) : null]]), { key: "fleet-runs" });
}
