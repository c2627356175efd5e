// Runs as rows: of one task, or of all.

import { h, visible } from "./dom.js";
import { duration } from "./format.js";
import { badge, elapsed, runLink, table, taskLink, whenAgo } from "./parts.js";
import { words } from "./words.js";

/** Return a table of runs, newest first. @param {import("./types.js").Run[]} runs */
export function runsTable(runs, caption, { hidesTask = false } = {}) {
    const { columns } = words.runs;
    const head = [columns.run, columns.ended, [columns.started, "time"], [columns.took, "number"], columns.why];
    return table(caption, hidesTask ? head : [columns.task, ...head], runs.map(run => {
        const cells = [runLink(run.task, run.number, hidesTask ? String(run.number) : `#${run.number}`), badge(run.action), whenAgo(run.start), took(run),
            [visible(run.reason), run.message ? h("span", { class: "description" }, visible(run.message)) : null]];
        return hidesTask ? [run.run_id, ...cells] : [run.run_id, taskLink(run.task), ...cells];
    }), { key: "runs", hidesCaption: hidesTask });
}

const took = run => run.action === "run" ? elapsed(run.start) : run.action === "missed" ? "–" : duration(run.runtime);
