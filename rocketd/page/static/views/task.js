// One task: what it waits for, when it starts next, how its runs went, and what is written in its file.

import { barsOfDurations, calendar } from "../charts.js";
import { code, h, visible } from "../dom.js";
import { date, duration, instant, shifted } from "../format.js";
import { ago, badge, facts, nothing, problem, section, stateOf, table, taskLink, when, whenAgo } from "../parts.js";
import { runsTable } from "../runs_table.js";
import { Failure, ifAllowed, taskPath } from "../transport.js";
import { tree, untils } from "../tree.js";
import { words } from "../words.js";

const RUNS = 40;
const DAYS = 90;
const STARTS = 10;
const STARTS_KEPT = 60_000; // milliseconds
const LONGEST = 92 * 86_400_000;

export function task(app, [name], query) {
    const text = words.task;
    const at = () => query.get("at") ?? "";
    const journal = app.api.journal(name);
    /** @type {import("../types.js").TaskInFull | null} */
    let it = null;
    /** @type {import("../types.js").Explanation | null} */
    let why = null;
    let whyError = null;
    /** @type {import("../types.js").Run[]} */
    let history = [];
    /** @type {import("../types.js").Stretch[] | null} */
    let days = null;
    /** @type {import("../types.js").PlannedStart[]} */
    let starts = [];
    let startsReadAt = 0;
    let explaining = 0;

    const readWhy = async () => {
        clearTimeout(explaining);
        const asked = at() ? { at: new Date(instant(at())).toISOString() } : {};
        try {
            [why, whyError] = [await app.api.get(taskPath(name, "/why"), asked), null];
        } catch (error) {
            if (!error.status) throw error;
            [why, whyError] = [null, error];
        }
        // It is read again when a part of it may change by itself.
        const soonest = why && !at() ? Math.min(...untils(why)) : Infinity;
        const wait = Math.max(1000, soonest - Date.now() + 200);
        if (wait < 3_600_000) explaining = setTimeout(() => explainSoon(0), wait);
    };
    const explainSoon = wait => {
        clearTimeout(explaining);
        explaining = setTimeout(() => readWhy().then(() => app.draw(), () => {}), wait);
    };

    // The daemon simulates them: only as far as there are some, and not for each event.
    const readStarts = async () => {
        const now = Date.now();
        if (!it.next || it.paused || it.disabled || now < startsReadAt + STARTS_KEPT) return;
        startsReadAt = now;
        const next = Date.parse(it.next);
        const gap = Math.max(60_000, it.last_start ? next - Date.parse(it.last_start) : next - now);
        const until = new Date(Math.min(next + STARTS * gap, now + LONGEST)).toISOString();
        try {
            starts = (await app.api.get("/v1/planned", { task: name, until, limit: STARTS })).starts;
            app.drawSoon();
        } catch (error) {
            if (!(error instanceof Failure)) throw error;
        }
    };

    return {
        title: name,
        close: () => clearTimeout(explaining),

        async load() {
            const now = Date.now();
            const since = new Date(instant(`${shifted(date(now), 1 - DAYS)}T00:00`)).toISOString();
            const [details, runs, stats] = await Promise.all([
                app.api.get(taskPath(name)), app.api.get("/v1/runs", { task: name, limit: RUNS }),
                ifAllowed(app.api.get("/v1/stats", { task: name, since, step: 86_400 })), readWhy()]);
            app.model.take([details]);
            [it, history, days] = [details, runs, stats?.buckets];
            readStarts();
        },

        heard(event) {
            if (event.event === "finished" || event.event === "missed" || event.event === "status") explainSoon(500);
            if (event.task !== name) return;
            if (event.event === "task") Object.assign(it ?? {}, event);
            if (event.event === "started") history = [event, ...history].slice(0, RUNS);
            if (event.event === "finished") history = history.map(run => run.run_id === event.run_id ? { ...run, ...event } : run);
            if (event.event !== "output") explainSoon(300);
            if (event.event === "finished" || event.event === "missed" || event.event === "task") app.refreshSoon(5000);
        },

        render() {
            return [
                h("h2", {}, name, " ", stateOf(it)),
                it.description ? h("p", { class: "lead" }, visible(it.description)) : null,
                app.actions.ofTask(it),
                notes(),
                facts([
                    [text.lastRun, it.last_start ? [when(it.last_start), " ", ago(it.last_start)] : text.never],
                    [text.lastSuccess, it.last_success ? whenAgo(it.last_success) : text.never],
                    [text.next, it.paused || it.disabled ? null : it.next ? whenAgo(it.next) : text.notKnown], [text.nextIf, code(it.next_if)],
                    [text.onOne, it.run_on === "one" && [it.standby ? [visible(it.standby), " "] : null, h("a", { href: `#/fleet/runs?task=${encodeURIComponent(name)}&since=all` }, text.ofFleet)]],
                    [text.usual, it.usual_runtime && duration(it.usual_runtime)],
                    [text.expected, it.max_age && it.overdue_at && [whenAgo(it.overdue_at), h("span", { class: "dim" }, `, ${text.every(duration(it.max_age))}`)]]]),
                h("div", { class: "columns" },
                    h("div", { "data-key": "left" }, section(text.why, explanation())),
                    h("div", { "data-key": "right" }, section(text.starts, nextStarts()), days ? section(text.calendar, calendar(days, date(Date.now()))) : null)),
                section(text.history, history.length ? [barsOfDurations([...history].reverse(), it.usual_runtime), runsTable(history.slice(0, 15), text.newest, { hidesTask: true }),
                    h("p", {}, h("a", { href: `#/runs?task=${encodeURIComponent(name)}&since=all` }, text.allRuns))] : nothing(text.noRuns)),
                newestOutput(),
                journal ? h("p", {}, h("a", { ...journal, "data-key": "journal" }, text.journal)) : null,
                section(text.written, written()),
            ];
        },
    };

    function notes() {
        const lines = [
            it.paused && h("p", { class: "message" }, text.pausedBy(visible(it.paused_by)), it.paused_until ? [" ", text.until, " ", when(it.paused_until)] : null, it.paused_reason ? `: ${visible(it.paused_reason)}` : "."),
            it.blocked && h("p", { class: "message" }, text.blocked, " ", visible(it.blocked)),
            it.going?.length ? h("p", { class: "message run" }, text.going, " ", it.going.map(run => [h("a", { href: `#/run/${encodeURIComponent(name)}/${run.number}` }, `${name}/${run.number}`), " "])) : null,
        ];
        return lines;
    }

    function explanation() {
        const ask = h("form", { class: "ask", onsubmit: event => { event.preventDefault(); go(/** @type {HTMLInputElement} */ (document.getElementById("why-at")).value); } },
            h("label", { for: "why-at" }, text.whyAt), " ",
            h("input", { type: "datetime-local", id: "why-at", value: at() }), " ",
            h("button", { type: "submit", class: "small" }, text.show),
            at() ? h("button", { type: "button", class: "small", onclick: () => go("") }, text.now) : null);
        if (whyError) return [problem(whyError), ask];
        if (!why) return ask;
        return [at() ? null : h("p", { class: "waiting" }, visible(why.waiting_for)), h("ul", { class: "tree" }, tree(why)), ask];
    }

    function go(time) {
        if (time) query.set("at", time);
        else query.delete("at");
        window.history.replaceState(window.history.state, "", `#/task/${encodeURIComponent(name)}${query.size ? `?${query}` : ""}`);
        explainSoon(0);
    }

    function nextStarts() {
        if (it.paused || it.disabled || !starts.length) return nothing(it.paused ? text.paused : it.next ? [when(it.next), " ", ago(it.next)] : text.notKnown);
        return h("ol", { class: "starts" }, starts.filter(start => Date.parse(start.at) > Date.now() - 1000).map(start => h("li", { "data-key": start.at }, whenAgo(start.at))));
    }

    function newestOutput() {
        const ended = history.find(run => run.action !== "run" && run.output !== undefined);
        if (!ended) return null;
        return section(text.output(ended.number), h("pre", { tabindex: "0", class: "short" }, visible(ended.output) || h("span", { class: "dim" }, ended.output === null ? text.hidden : text.noOutput)));
    }

    function written() {
        const seconds = value => value === null || value === undefined ? null : duration(value);
        const command = it.command ? it.command.map(shellQuoted).join(" ") : it.function;
        return facts([
            [text.condition, code(it.when)], [text.command, code(command)], [text.on, it.on], [text.stopWhen, it.stop_when && it.stop_when !== "false" && code(it.stop_when)],
            [text.user, it.user], [text.directory, code(it.directory)], [text.zone, it.timezone], [text.timeout, seconds(it.timeout)],
            [text.slowAfter, seconds(it.slow_after)], [text.maxAge, seconds(it.max_age)], [text.killGrace, seconds(it.kill_grace)], [text.overlap, it.overlap], [text.mutex, code(it.mutex)],
            [text.priority, it.priority ? String(it.priority) : null], [text.splay, it.splay ? seconds(it.splay) : null],
            [text.environment, it.environment?.length ? code(it.environment.join(" ")) : null],
            [text.tags, it.tags?.length ? it.tags.map(tag => [h("a", { href: `#/tasks?tag=${encodeURIComponent(tag)}` }, visible(tag)), " "]) : null],
            [text.executor, it.executor && words.executors[it.executor]], [text.executorReason, it.executor_reason && visible(it.executor_reason)],
            [text.hooks, it.hooks?.length ? it.hooks.map(hook => h("div", {}, code(`${hook.hook}: ${hook.command}`), hook.error ? [" ", badge("fail", visible(hook.error))] : null)) : null],
            [text.file, [code(it.file), it.line ? `:${it.line}` : ""]]], "facts wide");
    }
}

const shellQuoted = word => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
