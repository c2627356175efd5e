// The task files: what is wrong in them, what is missing because of that, and reading them again.

import { code, h, visible } from "../dom.js";
import { facts, nothing, section, table } from "../parts.js";
import { words } from "../words.js";

export function files(app) {
    const text = words.files;
    let problems = null; // after a reload: all of them

    return {
        title: text.title,

        async load() {
            await app.readStatus();
        },

        heard(event) {
            if (event.event === "tasks") problems = null;
        },

        render() {
            const { status } = app.model;
            if (!status) return nothing(words.connecting);
            const missing = status.not_loaded ?? [];
            return [
                h("h2", {}, text.title),
                facts([[text.directories, status.directories?.map(directory => [code(directory), " "])], [text.tasks, String(status.tasks)], [text.disabled, String(status.disabled)], [text.problems, String(status.problems)]]),
                app.actions.reload(found => { problems = found; app.draw(); }),
                section(text.missing, missing.length
                    ? table(text.missing, [text.file, text.effect, text.names, text.problem], missing.map((entry, i) => [`${entry.file}-${i}`,
                        [code(entry.file), entry.line ? `:${entry.line}` : ""], text.outcomes[entry.outcome] ?? entry.outcome,
                        entry.tasks?.length ? entry.tasks.map(visible).join(", ") : "–", visible(entry.problem)]), { hidesCaption: true })
                    : nothing(status.problems ? text.nothingMissing : text.allWell)),
                problems?.length ? section(text.all, problemsTable(problems)) : null,
            ];
        },
    };
}

function problemsTable(problems) {
    const text = words.files;
    return table(text.all, [text.file, text.severity, text.problem], problems.map((found, i) => [`problem-${i}`,
        [code(found.file), found.line ? `:${found.line}${found.column ? `:${found.column}` : ""}` : ""], found.severity ?? "",
        [visible(found.message ?? found.problem), found.hint ? h("span", { class: "description" }, visible(found.hint)) : null]]), { hidesCaption: true });
}
