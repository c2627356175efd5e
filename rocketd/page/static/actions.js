// The buttons: run, stop, pause, resume, reload. What cannot be undone asks first.

import { h } from "./dom.js";
import { instant } from "./format.js";
import { runPath, taskPath } from "./transport.js";
import { words } from "./words.js";

/** Return the buttons of tasks and runs; they post through the app's transport. */
export function actions(app) {
    const act = async (path, body, done) => {
        try {
            const answer = await app.api.post(path, body);
            app.say(done(answer));
            return answer;
        } catch (error) {
            app.say(error.hint ? `${error.message} (${error.hint})` : error.message, true);
            return null;
        } finally {
            app.refreshSoon(0);
        }
    };
    const button = (key, label, style, action) => h("button", { type: "button", class: style, "data-key": key, disabled: Boolean(app.lost), onclick: action }, label);

    const mayOperate = name => app.api.mayWrite && app.model.mayOperate(name);
    const run = name => act(taskPath(name, "/run"), {}, answer => words.done.run(name, answer));
    const runAsScheduled = name => act(taskPath(name, "/run"), { as_scheduled: true }, answer => words.done.run(name, answer));
    const resume = name => act(taskPath(name, "/resume"), {}, () => words.done.resume(name));
    const stop = async (path, subject) => {
        if (await confirmed(words.stop.title(subject), words.stop.text, words.stop.button)) {
            await act(path, {}, () => words.done.stop(subject));
        }
    };
    const pause = async name => {
        const given = await pauseDialog(name);
        if (given) await act(taskPath(name, "/pause"), given, () => words.done.pause(name));
    };

    return {
        /** All that can be done with a task now. */
        ofTask(task) {
            if (!mayOperate(task.task) || task.disabled) return null;
            const { labels } = words;
            const name = task.task;
            return h("div", { class: "buttons", "data-key": "actions" },
                button("run", labels.run, "primary", () => run(name)),
                button("as-scheduled", labels.runAsScheduled, null, () => runAsScheduled(name)),
                task.running ? button("stop", labels.stop, "danger", () => stop(taskPath(name, "/stop"), name)) : null,
                task.paused ? button("resume", labels.resume, null, () => resume(name)) : button("pause", labels.pause, null, () => pause(name)));
        },
        /** Stop one run. */
        ofRun(task, number) {
            if (!mayOperate(task)) return null;
            const subject = `${task}/${number}`;
            return h("div", { class: "buttons", "data-key": "actions" }, button("stop", words.labels.stop, "danger", () => stop(runPath(task, number, "/stop"), subject)));
        },
        /** Stop a task, in a row of a table. */
        stopOf(name) {
            return mayOperate(name) ? h("button", { type: "button", class: "small danger", disabled: Boolean(app.lost), "aria-label": words.labels.stopTask(name), onclick: () => stop(taskPath(name, "/stop"), name) }, words.labels.stop) : null;
        },
        /** Read the task files again; `show` gets the problems. */
        reload(show) {
            if (!app.api.mayWrite || !app.model.mayAct) return null;
            return h("div", { class: "buttons" }, button("reload", words.labels.reload, "primary", async () => {
                const answer = await act("/v1/reload", {}, words.done.reload);
                if (answer) show(answer.problems);
            }));
        },
    };
}

// -- dialogs ----------------------------------------------------------------------------------------------------------

/** Show a dialog until it is closed; returns what `read` says if its button was pressed, else null. */
function ask(title, content, label, style, read) {
    return new Promise(resolve => {
        let answer = null;
        const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, h("form", {
            onsubmit: event => {
                event.preventDefault();
                answer = read();
                dialog.close();
            },
        },
        h("h2", { id: "dialog-title" }, title), content,
        h("div", { class: "buttons" },
            h("button", { type: "submit", class: style }, label),
            h("button", { type: "button", onclick: () => dialog.close() }, words.labels.cancel))));
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(answer);
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}

const confirmed = (title, text, label) => ask(title, h("p", {}, text), label, "danger", () => true);

function pauseDialog(name) {
    const { title, until, ends, at, reason, button } = words.pause;
    const time = h("input", { type: "datetime-local", id: "pause-at", disabled: true, required: true });
    const choice = h("select", { id: "pause-until", onchange: () => { time.disabled = row.hidden = choice.value !== "at"; } },
        ends.map(([value, label]) => h("option", { value }, label)));
    const row = h("p", { class: "field", hidden: true }, h("label", { for: "pause-at" }, at), time);
    const text = h("input", { type: "text", id: "pause-reason", maxlength: 1000, autocomplete: "off" });
    const content = [
        h("p", { class: "field" }, h("label", { for: "pause-until" }, until), choice),
        row,
        h("p", { class: "field" }, h("label", { for: "pause-reason" }, reason), text),
    ];
    return ask(title(name), content, button, "primary", () => ({ ...pausedUntil(choice.value, time.value), ...text.value ? { reason: text.value } : {} }));
}

function pausedUntil(choice, time) {
    if (choice === "resumed") return {};
    const end = choice === "at" ? instant(time) : Date.now() + Number(choice) * 3_600_000;
    return { until: new Date(end).toISOString() };
}
