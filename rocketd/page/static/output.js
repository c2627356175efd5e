// What a run has printed, and prints: lines are appended, and the end is followed until somebody scrolls up.

import { h, visible } from "./dom.js";
import { runPath } from "./transport.js";
import { words } from "./words.js";

const MOST = 5000; // lines that are shown of a run; the journal has all of them
const AT_ONCE = 500;

/** Make a box for the output of a run. The caller draws `render()`, then calls `show` with the element. */
export function outputBox(app, run) {
    const text = words.output;
    let kept = [];
    let lines = []; // of those, what is not shown yet
    let follows = true;
    let isLive = false;
    let isComplete = false;
    let isShown = null;
    let close = () => {};
    let pending = 0;

    const add = line => {
        lines.push(line);
        pending ||= requestAnimationFrame(append);
    };
    const heard = line => {
        if (line.event === "end") [isComplete, isLive] = [line.action !== "run", false];
        else if (line.event === "lost") add({ stream: "note", line: text.lost(line.count) });
        else if (typeof line.line === "string") add(line);
    };
    const element = ({ stream, line }) => h("span", { class: stream === "stderr" || stream === "note" ? stream : null }, `${visible(line)}\n`);

    function append() {
        pending = 0;
        if (!isShown) return;
        const fresh = lines;
        lines = [];
        kept = [...kept, ...fresh].slice(-MOST);
        for (let i = 0; i < fresh.length; i += AT_ONCE) isShown.append(...fresh.slice(i, i + AT_ONCE).map(element));
        while (isShown.childElementCount > MOST) isShown.firstElementChild.remove();
        if (follows) isShown.scrollTop = isShown.scrollHeight;
    }

    const scrolled = event => {
        const box = event.target;
        follows = box.scrollHeight - box.scrollTop - box.clientHeight < 30;
        const button = document.getElementById("follow");
        if (button) button.setAttribute("aria-pressed", String(follows));
    };

    return {
        /** Take what is recorded of the run; of a run that goes on, listen to its lines. */
        take(it) {
            if (isLive || isComplete) return;
            [kept, lines] = [[], []];
            isShown?.replaceChildren();
            if (it.action === "run") {
                isLive = true;
                close = app.api.stream(runPath(it.task, it.number, "/output"), { follow: true }, heard, () => { isLive = false; });
            } else {
                isComplete = true;
                lines = it.output ? it.output.replace(/\n$/, "").split("\n").map(line => ({ stream: "stdout", line })) : [];
            }
        },

        close() {
            close();
            cancelAnimationFrame(pending);
        },

        render() {
            return h("div", { class: "output" },
                isLive ? h("div", { class: "buttons" }, h("button", {
                    type: "button", id: "follow", class: "small", "aria-pressed": String(follows),
                    onclick: () => { follows = !follows; append(); app.draw(); },
                }, text.follow)) : null,
                h("pre", { id: "output", "data-own": true, tabindex: "0", role: "log", "aria-live": "off", "aria-label": text.label, onscroll: scrolled }));
        },

        /** Fill the element that `render` has made, once it is in the page. */
        show(box) {
            if (!box) return;
            if (box !== isShown) [isShown, kept, lines] = [box, [], [...kept, ...lines]];
            if (lines.length) append();
        },
    };
}
