// One run: why it ran, how it ended, and what it prints, while it prints it.

import { h, visible } from "../dom.js";
import { bytes, duration } from "../format.js";
import { badge, elapsed, facts, nothing, runLink, section, taskLink, whenAgo } from "../parts.js";
import { runPath } from "../transport.js";
import { outputBox } from "../output.js";
import { words } from "../words.js";

export function run(app, [name, number]) {
    const text = words.run;
    /** @type {import("../types.js").Run | null} */
    let it = null;
    let output = null;
    let hasNext = false;
    const next = () => number ? app.api.get(runPath(name, Number(number) + 1)).catch(() => null) : null;

    return {
        title: number ? `${name}/${number}` : name, // an id, which may be in full or not
        close: () => output?.close(),

        async load() {
            const [found, following] = await Promise.all([app.api.get(runPath(name, number)), next()]);
            it = found;
            hasNext = Boolean(following);
            output ??= outputBox(app, it);
            output.take(it);
        },

        heard(event) {
            if (event.run_id !== it?.run_id) return;
            if (event.event === "spawned") Object.assign(it, { ...event, begun: event.start });
            else if (event.event === "finished" || event.event === "withdrawn") app.refreshSoon(0);
        },

        drawn: () => output?.show(document.getElementById("output")),

        render() {
            const isRunning = it.action === "run";
            return [
                h("h2", {}, taskLink(it.task), ` / ${it.number} `, badge(it.action)),
                h("p", { class: "lead" }, visible(it.reason), it.cause_task ? [" (", cause(it), ")"] : null),
                isRunning ? app.actions.ofRun(it.task, it.number) : null,
                it.message ? h("p", { class: "message" }, visible(it.message)) : null,
                facts([
                    [text.due, it.due && whenAgo(it.due)], [text.started, whenAgo(it.start)], [text.ended, it.end && whenAgo(it.end)],
                    [text.took, isRunning ? elapsed(it.start) : it.runtime !== null && duration(it.runtime)],
                    [text.trigger, words.triggers[it.trigger] ?? it.trigger], [text.attempt, it.attempt > 1 && String(it.attempt)],
                    [text.cause, it.cause && it.cause !== "exit" && (words.causes[it.cause] ?? it.cause)],
                    [text.exitCode, it.exit_code !== null && String(it.exit_code)], [text.signal, it.signal !== null && String(it.signal)],
                    [text.cpu, it.cpu_time !== null && duration(it.cpu_time)], [text.memory, it.memory_peak !== null && bytes(it.memory_peak)],
                    [text.read, it.io_read !== null && bytes(it.io_read)], [text.written, it.io_written !== null && bytes(it.io_written)],
                    [text.pid, it.pid && String(it.pid)], [text.host, it.host && visible(it.host)]]),
                section(text.output, it.output === null ? nothing(words.task.hidden) : output.render()),
                it.exc_text ? section(text.traceback, h("pre", { tabindex: "0" }, visible(it.exc_text))) : null,
                neighbours(),
            ];
        },
    };

    function neighbours() {
        const { task, number: n } = it;
        return h("nav", { class: "pages", "aria-label": text.neighbours },
            n > 1 ? runLink(task, n - 1, text.before) : null, hasNext ? runLink(task, n + 1, text.after) : null, taskLink(task, text.all));
    }
}

const cause = it => it.cause_run_id ? h("a", { href: `#/run/${encodeURIComponent(it.cause_run_id)}` }, words.run.causedBy(it.cause_task)) : taskLink(it.cause_task);
