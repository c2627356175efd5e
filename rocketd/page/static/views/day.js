// A day at a glance: a row per task, or per group of tasks when there are many; what ran, was missed, and is planned.

import { percent } from "../charts.js";
import { h, s } from "../dom.js";
import { bounds, clock, clockSeconds, counted, date, duration, shifted, weekday } from "../format.js";
import { grouped } from "../groups.js";
import { BAD } from "../model.js";
import { nothing, taskLink } from "../parts.js";
import { Failure } from "../transport.js";
import { words } from "../words.js";

const MOST_ROWS = 60;
const HEIGHT = 22;
const PLANNED = 1000;

export function day(app, [which = ""], query) {
    const text = words.day;
    const chosen = /^\d{4}-\d\d-\d\d$/.test(which) ? which : date(Date.now());
    const [from, to] = bounds(chosen);
    const group = query.get("group") ?? "";
    /** @type {import("../types.js").TimelineRow[]} */
    let timeline = [];
    /** @type {import("../types.js").PlannedStart[]} */
    let planned = [];
    let rows = [];
    let isComplete = true;

    const period = () => ({ since: new Date(from).toISOString(), until: new Date(to).toISOString() });

    return {
        title: text.title(chosen),

        async load() {
            timeline = await readAll("/v1/timeline", period(), answer => answer.rows);
            rows = merged(timeline, planned);
            readPlanned();
        },

        heard(event) {
            if (["started", "finished", "missed"].includes(event.event)) take(event);
            if (event.event === "task") app.refreshSoon(30_000);
        },

        render() {
            const names = rows.map(row => row.task);
            const groups = rows.length > MOST_ROWS || group ? grouped(names) : null;
            const shown = group ? rows.filter(row => groups.get(row.task) === group).map(asTask) : groups ? asGroups(rows, groups) : rows.map(asTask);
            return [
                h("h2", {}, weekday(from), " ", chosen, group ? ` · ${group}` : ""),
                dates(),
                shown.length ? chart(shown) : nothing(text.none),
                isComplete ? null : h("p", { class: "dim" }, text.incomplete),
                shown.length ? legend() : null,
            ];
        },
    };

    // The daemon simulates them, which may take seconds: they are drawn when they come.
    async function readPlanned() {
        const since = Math.max(from, Date.now());
        if (since >= to) return;
        try {
            planned = await readAll("/v1/planned", { ...period(), since: new Date(since).toISOString(), limit: PLANNED }, answer => answer.starts);
        } catch (error) {
            if (!(error instanceof Failure)) throw error;
            return;
        }
        rows = merged(timeline, planned);
        app.drawSoon();
    }

    // All pages of an answer, up to a number that a browser can draw.
    async function readAll(path, wanted, listed) {
        const found = [];
        let after = "";
        do {
            const answer = await app.api.get(path, { ...wanted, after });
            found.push(...listed(answer));
            after = answer.next;
            if (found.length > 20_000) isComplete = false;
        } while (after && isComplete);
        return found;
    }

    function take(event) {
        const time = Date.parse(event.start ?? event.at);
        if (time < from || time >= to) return;
        let row = rows.find(each => each.task === event.task);
        if (!row) rows.push(row = { task: event.task, runs: [], missed: [], planned: [] });
        if (event.event === "missed") return void row.missed.push(event.at);
        const bar = [event.number, event.start, event.end ?? null, event.action];
        const known = row.runs.findIndex(([number]) => number === event.number);
        if (known < 0) row.runs.push(bar);
        else row.runs[known] = bar;
        if (event.event === "started") row.planned = row.planned.filter(at => Date.parse(at) > Date.now());
    }

    function dates() {
        const today = date(Date.now());
        const link = (target, label) => h("a", { href: `#/day/${target}${group ? `?group=${encodeURIComponent(group)}` : ""}`, "data-key": label }, label);
        return h("nav", { class: "pages", "aria-label": text.dates },
            link(shifted(chosen, -1), text.before),
            h("label", {}, h("span", { class: "unseen" }, text.date), h("input", { type: "date", id: "day", value: chosen, onchange: event => { if (event.target.value) location.hash = `#/day/${event.target.value}`; } })),
            chosen === today ? null : link(today, text.today), link(shifted(chosen, 1), text.after),
            group ? h("a", { href: `#/day/${chosen}`, "data-key": "groups" }, text.allGroups) : null);
    }

    function chart(shown) {
        const position = time => percent((Math.min(to, Math.max(from, time)) - from) / (to - from));
        const hours = hoursOf(chosen, from, to);
        return h("table", { class: "day" },
            h("caption", { class: "unseen" }, text.caption(chosen)),
            h("thead", {}, h("tr", {}, h("th", { scope: "col" }, group || !shown[0].tasks ? text.task : text.group),
                h("th", { scope: "col" }, h("span", { class: "unseen" }, text.hours), s("svg", { class: "track", height: HEIGHT, "aria-hidden": "true" },
                    hours.filter(([, label]) => label).map(([time, label]) => s("text", { class: Number(label.slice(0, 2)) % 6 ? "minor" : null, x: position(time), y: 15, "text-anchor": time === from ? "start" : "middle" }, label)))))),
            h("tbody", {}, shown.map(row => h("tr", { "data-key": row.name },
                h("th", { scope: "row" }, row.label),
                h("td", {}, s("svg", { class: "track", height: HEIGHT, role: "img", "aria-label": sentence(row) },
                    hours.map(([time, label]) => s("line", { class: label ? "grid hour" : "grid", x1: position(time), x2: position(time), y1: 0, y2: HEIGHT })),
                    row.tasks ? heights(row, from, to) : [bars(row, position), marks("planned", row.planned, position)],
                    marks("missed", row.missed, position),
                    Date.now() > from && Date.now() < to ? s("line", { class: "now", x1: position(Date.now()), x2: position(Date.now()), y1: 0, y2: HEIGHT }) : null))))));
    }
}

// -- rows -------------------------------------------------------------------------------------------------------------

// A row may come again on another page.
function merged(timeline, planned) {
    const rows = new Map();
    const of = task => {
        if (!rows.has(task)) rows.set(task, { task, runs: [], missed: [], planned: [] });
        return rows.get(task);
    };
    for (const { task, runs, missed } of timeline) {
        of(task).runs.push(...runs);
        of(task).missed.push(...missed);
    }
    for (const { task, at } of planned) of(task).planned.push(at);
    return [...rows.values()].sort((a, b) => a.task < b.task ? -1 : 1);
}

const asTask = row => ({ ...row, name: row.task, label: taskLink(row.task) });

function asGroups(rows, groups) {
    const found = new Map();
    for (const row of rows) {
        const name = groups.get(row.task);
        if (!found.has(name)) found.set(name, { name, tasks: 0, runs: [], missed: [], planned: [] });
        const entry = found.get(name);
        entry.tasks += 1;
        for (const kind of ["runs", "missed", "planned"]) entry[kind].push(...row[kind]);
    }
    return [...found.values()].map(entry => ({ ...entry, label: [
        h("a", { href: `#/day/${location.hash.split("/")[2]?.split("?")[0] ?? ""}?group=${encodeURIComponent(entry.name)}` }, entry.name),
        h("span", { class: "description" }, counted(entry.tasks, "task"))] }));
}

// -- marks ------------------------------------------------------------------------------------------------------------

const MOST_BARS = 1440;

function bars(row, position) {
    // Failures last, so that they are on top; and no more of the others than there is room for.
    const order = [...row.runs].sort((a, b) => Number(BAD.includes(a[3])) - Number(BAD.includes(b[3]))).slice(-MOST_BARS);
    return order.map(([number, start, end, action]) => {
        const [x, until] = [Date.parse(start), end ? Date.parse(end) : Date.now()];
        const title = words.day.run(row.tasks ? "" : `${row.name}/${number}`, words.states[action] ?? action, clockSeconds(x), duration((until - x) / 1000));
        return s("svg", { x: position(x), width: `calc(${position(until)} - ${position(x)})`, class: "bar", overflow: "visible" },
            s("rect", { class: action, width: "100%", y: 4, height: HEIGHT - 8 }, s("title", {}, title)), s("rect", { class: action, width: 2, y: 4, height: HEIGHT - 8 }, s("title", {}, title)));
    });
}

// Of a group, how many there were in each quarter of an hour: what is planned is only outlined.
function heights(row, from, to) {
    const width = 900_000;
    const count = Math.ceil((to - from) / width);
    const bins = [...Array(count)].map(() => ({ success: 0, run: 0, fail: 0, planned: 0 }));
    const add = (time, kind) => { bins[Math.max(0, Math.min(count - 1, Math.floor((Date.parse(time) - from) / width)))][kind] += 1; };
    for (const [, start, , action] of row.runs) add(start, BAD.includes(action) ? "fail" : action === "run" ? "run" : "success");
    for (const at of row.planned) add(at, "planned");
    const most = Math.max(...bins.map(({ success, run, fail, planned }) => success + run + fail + planned));
    return bins.flatMap((bin, i) => {
        let y = HEIGHT - 1;
        return ["planned", "success", "run", "fail"].filter(kind => bin[kind]).map(kind => {
            const high = Math.max(2, (HEIGHT - 3) * bin[kind] / most);
            y -= high;
            const title = words.day.bin(bin[kind], kind, clock(from + i * width), clock(from + (i + 1) * width));
            return s("rect", { class: kind, x: percent((i + 0.1) / count), width: percent(0.8 / count), y: Math.max(0, y), height: high }, s("title", {}, title));
        });
    });
}

const DIAMOND = { missed: "M0 5l5 6l-5 6l-5 -6z", planned: "M0 7l3.5 4l-3.5 4l-3.5 -4z" };
const marks = (kind, times, position) => times.slice(0, MOST_BARS).map(time => s("svg", { x: position(Date.parse(time)), overflow: "visible" },
    s("path", { class: kind, d: DIAMOND[kind] }, s("title", {}, words.day.mark(kind, clockSeconds(Date.parse(time)))))));

function sentence(row) {
    const failed = row.runs.filter(([, , , action]) => BAD.includes(action)).length;
    return words.day.row(row.name, row.runs.length, failed, row.missed.length, row.planned.length);
}

// Each hour as the host's clock shows it; a night when clocks change has 23 or 25 of them.
function hoursOf(chosen, from, to) {
    const hours = [];
    for (let time = from; time < to; time += 3_600_000) {
        const shown = clock(time);
        hours.push([time, Number(shown.slice(0, 2)) % 3 === 0 ? shown : ""]);
    }
    return hours;
}

const legend = () => h("p", { class: "legend" }, ["success", "fail", "run", "missed", "planned"].map(kind => h("span", {},
    s("svg", { width: 12, height: HEIGHT, "aria-hidden": "true" }, DIAMOND[kind]
        ? s("path", { class: kind, transform: "translate(6 0)", d: DIAMOND[kind] }) : s("rect", { class: kind, width: 10, y: 4, height: HEIGHT - 8 })), " ", words.day.legend[kind])));
