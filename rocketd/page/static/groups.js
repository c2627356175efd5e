// Groups of tasks, by their names: what several share before the first separator.

const LEAST = 3;
const prefix = name => name.split(/[._-]/, 1)[0];

/** Return the group of each task: the first part of its name if at least three share it, else `other`. */
export function grouped(names, other = "…") {
    const counts = new Map();
    for (const name of names) counts.set(prefix(name), (counts.get(prefix(name)) ?? 0) + 1);
    return new Map(names.map(name => [name, counts.get(prefix(name)) >= LEAST ? prefix(name) : other]));
}
