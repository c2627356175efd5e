// Pictures of numbers: SVG, each with a sentence for those who do not see it.

import { h, s } from "./dom.js";
import { clock, date, duration, full, shifted } from "./format.js";
import { BAD, GOOD } from "./model.js";
import { words } from "./words.js";

const ACTIONS = [...GOOD, ...BAD];
const sum = (bucket, actions) => actions.reduce((total, action) => total + (bucket[action] ?? 0), 0);
const HEIGHT = 72;
export const percent = part => `${(100 * part).toFixed(3)}%`;

/** The runs of the last 24 hours, a bar per step: what went well below, what did not on top. */
export function barsOfDay(buckets, step) {
    const last = Math.floor(Date.now() / 1000 / step) * step * 1000;
    const count = Math.round(86_400 / step);
    const first = last - (count - 1) * step * 1000;
    const known = new Map(buckets.map(bucket => [Date.parse(bucket.at), bucket]));
    const most = Math.max(1, ...buckets.map(bucket => sum(bucket, ACTIONS)));
    const good = bucket => sum(bucket, GOOD);
    const columns = [...Array(count).keys()].flatMap(i => {
        const bucket = known.get(first + i * step * 1000);
        if (!bucket || !sum(bucket, ACTIONS)) return [];
        const [well, bad] = [good(bucket), sum(bucket, BAD)].map(number => number && Math.max(2, HEIGHT * number / most));
        const x = percent((i + 0.1) / count);
        const width = percent(0.8 / count);
        const from = first + i * step * 1000;
        const title = words.charts.bucket(clock(from), clock(from + step * 1000), good(bucket), sum(bucket, BAD));
        return [s("g", {}, s("title", {}, title),
            s("rect", { class: "success", x, width, y: HEIGHT - well, height: well }),
            s("rect", { class: "fail", x, width, y: Math.max(0, HEIGHT - well - bad), height: bad }))];
    });
    const total = buckets.reduce((all, bucket) => all + sum(bucket, ACTIONS), 0);
    const failed = buckets.reduce((all, bucket) => all + sum(bucket, BAD), 0);
    return h("figure", { class: "bars-of-day" },
        s("svg", { role: "img", height: HEIGHT, "aria-label": words.charts.day(total, failed) },
            s("line", { class: "grid", x1: 0, x2: "100%", y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 }), columns),
        h("div", { class: "axis", "aria-hidden": "true" }, [0, 1, 2, 3, 4].map(i => h("span", {}, clock(first + i * 21_600_000)))),
        h("figcaption", {}, words.charts.day(total, failed)));
}

/** The same before it is known how they ended: as high, so that nothing below it moves. */
export const emptyBarsOfDay = () => h("figure", { class: "bars-of-day", "aria-hidden": "true" },
    s("svg", { height: HEIGHT }), h("div", { class: "axis" }, "\u00a0"), h("figcaption", {}, "\u00a0"));

/** How long runs took, oldest first: a bar each, the usual time as a line. */
export function barsOfDurations(runs, usual) {
    const most = Math.max(0.001, usual ?? 0, ...runs.map(run => run.runtime ?? 0));
    const width = 1 / Math.max(30, runs.length);
    return h("figure", { class: "durations" },
        s("svg", { role: "img", height: HEIGHT, "aria-label": words.charts.durations(runs.length, duration(most)) },
            runs.map((run, i) => {
                const high = Math.max(2, (HEIGHT - 4) * (run.runtime ?? 0) / most);
                const open = () => { location.hash = `#/run/${encodeURIComponent(run.task)}/${run.number}`; }; // as the links in the table
                return s("g", { class: "link", onclick: open, "data-key": `bar-${run.number}` },
                    s("title", {}, words.charts.run(run.number, words.states[run.action], duration(run.runtime), full(Date.parse(run.start)))),
                    s("rect", { class: run.action, x: percent(width * (i + 0.1)), width: percent(width * 0.8), y: HEIGHT - high, height: high }));
            }),
            usual ? s("line", { class: "usual", x1: 0, x2: "100%", y1: HEIGHT - (HEIGHT - 4) * usual / most, y2: HEIGHT - (HEIGHT - 4) * usual / most }) : null),
        h("figcaption", {}, words.charts.durations(runs.length, duration(most)), usual ? `; ${words.charts.usual(duration(usual))}` : null));
}

/** The last 90 days of a task, a square per day, a column per week. */
export function calendar(buckets, today) {
    const size = 13;
    const first = shifted(today, -89);
    const start = shifted(first, -((new Date(`${first}T12:00Z`).getUTCDay() + 6) % 7));
    const known = new Map(buckets.map(bucket => [date(Date.parse(bucket.at) + 43_200_000), bucket])); // some days have 23 or 25 hours
    const cells = [];
    for (let i = 0, day = start; day <= today; i += 1, day = shifted(day, 1)) {
        if (day < first) continue;
        const bucket = known.get(day) ?? {};
        const [all, bad] = [sum(bucket, ACTIONS), sum(bucket, BAD)];
        cells.push(s("rect", {
            class: !all ? "none" : bad === all ? "fail" : bad ? "mixed" : "success",
            x: Math.floor(i / 7) * size, y: (i % 7) * size, width: size - 2, height: size - 2, rx: 2,
        }, s("title", {}, words.charts.dayOf(day, all - bad, bad))));
    }
    const totals = [buckets.reduce((n, b) => n + sum(b, ACTIONS) - sum(b, BAD), 0), buckets.reduce((n, b) => n + sum(b, BAD), 0)];
    return h("figure", { class: "calendar" },
        s("svg", { role: "img", width: 14 * size, height: 7 * size, viewBox: `0 0 ${14 * size} ${7 * size}`, "aria-label": words.charts.calendar(...totals) }, cells),
        h("figcaption", {}, words.charts.calendar(...totals), h("span", { class: "legend" },
            ["success", "mixed", "fail", "none"].map(kind => h("span", {}, s("svg", { width: 11, height: 11, "aria-hidden": "true" }, s("rect", { class: kind, width: 11, height: 11, rx: 2 })), " ", words.charts.legend[kind])))));
}
