// A condition as a tree: each part with its verdict, since when and until when it is so, and why.

import { code, h, visible } from "./dom.js";
import { when } from "./parts.js";
import { words } from "./words.js";

const VERDICTS = [[true, "holds", "✓"], [false, "against", "✗"], [null, "unknown", "?"]];

/** Return a part of an explanation, with its parts below it. @param {import("./types.js").ExplainedPart} part */
export function tree(part) {
    const [, kind, sign] = VERDICTS.find(([holds]) => holds === (part.holds ?? null));
    const times = [part.since && part.holds ? [words.tree.since, " ", when(part.since)] : null, part.until ? [words.tree.until, " ", when(part.until)] : null].filter(Boolean);
    return h("li", { class: kind },
        h("span", { class: "verdict", role: "img", "aria-label": words.tree.verdicts[kind] }, sign),
        h("span", { class: "part" }, code(part.condition),
            part.because ? h("span", { class: "because" }, visible(part.because)) : null,
            times.length ? h("span", { class: "times" }, times.flatMap((time, i) => i ? [", ", time] : [time])) : null),
        part.parts.length ? h("ul", {}, part.parts.map(tree)) : null);
}

/** Return all instants, in milliseconds, at which a part may change. */
export const untils = part => [part.until ? Date.parse(part.until) : Infinity, ...part.parts.flatMap(untils)];
