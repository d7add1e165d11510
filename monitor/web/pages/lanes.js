// One lane per slot, time running to the left, a bar per attempt in the colour of its kind.

import { duration, exact, instant, now } from "./format.js";
import { h } from "./vdom.js";
import { kind_class } from "./kinds.js";

const attempts_max = 400; // of one worker, kept beyond what one answer tells

// What is known of the attempts of one worker; grows with every answer, forgets what has left the
// picture.
export class Lanes {
    constructor() {
        this.attempts = new Map(); // "number started_at" -> {number, kind, start, end, state, lane}
        this.dense = []; // {start, end, count, kind}: ended, but too many to be told one by one
        this.told_since = null; // attempts that ended earlier were noted by nobody
        this.ended = null; // how many had ended at the last look
        this.looked_at = null;
    }

    add(worker, span_ms) {
        const current = new Set();
        for (const task of worker.current) {
            const known = this.attempt(task);
            known.end = null;
            known.state = "leased";
            current.add(known);
        }
        const known_before = this.attempts.size;
        let oldest_new = Infinity;
        for (const task of worker.recent) {
            const is_new = !this.attempts.has(key_of(task));
            const known = this.attempt(task);
            oldest_new = is_new ? Math.min(oldest_new, known.start) : oldest_new;
            known.end = known.start + task.run_us / 1000;
            known.state = task.state;
        }
        this.told_since ??= Math.min(oldest_new, now());
        this.note_dense(worker, this.attempts.size - known_before, oldest_new);
        this.forget(current, span_ms);
        this.assign(worker.slots);
    }

    // Between two looks more may have ended than one answer tells of.
    note_dense(worker, told, oldest_new) {
        const ended = worker.succeeded + worker.failed;
        const count = this.ended === null ? 0 : ended - this.ended - told;
        if (count > 2 * worker.slots && oldest_new > this.looked_at) {
            this.dense.push({
                start: this.looked_at,
                end: Math.min(oldest_new, now()),
                count,
                kind: commonest_kind(worker.recent),
            });
        }
        this.ended = ended;
        this.looked_at = now();
    }

    attempt(task) {
        const key = key_of(task);
        let known = this.attempts.get(key);
        if (!known) {
            known = {
                key,
                number: task.number,
                kind: task.kind,
                start: instant(task.started_at),
                end: null,
                state: "",
                lane: null,
            };
            this.attempts.set(key, known);
        }
        return known;
    }

    // What was running and is neither running nor among the recent ended between two looks.
    forget(current, span_ms) {
        const oldest = now() - span_ms;
        this.dense = this.dense.filter((part) => part.end > oldest);
        for (const [key, attempt] of this.attempts) {
            const is_lost = attempt.end === null && !current.has(attempt);
            if (is_lost || (attempt.end !== null && attempt.end < oldest)) {
                this.attempts.delete(key);
            }
        }
        let surplus = this.attempts.size - attempts_max;
        for (const key of this.attempts.keys()) {
            if (surplus-- <= 0) {
                break;
            }
            this.attempts.delete(key);
        }
    }

    // Gives each new attempt the first lane that is free at its time. Those that have one keep it.
    assign(slots) {
        const all = [...this.attempts.values()].sort((a, b) => a.start - b.start);
        for (const attempt of all.filter((one) => one.lane === null)) {
            let lane = 0;
            while (
                lane < slots &&
                all.some((other) => other.lane === lane && overlap(other, attempt))
            ) {
                ++lane;
            }
            attempt.lane = lane < slots ? lane : null; // it waits at the worker for a slot
        }
    }
}

function key_of(task) {
    return `${task.number} ${task.started_at}`;
}

function commonest_kind(attempts) {
    const counts = new Map();
    for (const { kind } of attempts) {
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}

function overlap(a, b) {
    const slack_ms = 1; // clocks of workers and broker, and rounding
    return a.start + slack_ms < (b.end ?? Infinity) && b.start + slack_ms < (a.end ?? Infinity);
}

// The lanes of a worker as a node, with what runs now named at their right end; `last_known_at`,
// where it is not null, stands for now.
export function lanes_view(lanes, slots, span_ms, last_known_at) {
    const end = last_known_at ?? now();
    const rows = Array.from({ length: slots }, () => []);
    const running = new Array(slots).fill(null);
    for (const attempt of lanes.attempts.values()) {
        if (attempt.lane === null || attempt.lane >= slots) {
            continue;
        }
        rows[attempt.lane].push(bar(attempt, end, span_ms));
        if (attempt.end === null) {
            running[attempt.lane] = attempt;
        }
    }
    return h(
        "div",
        { class: "lanes" },
        rows.map((bars, lane) =>
            h(
                "div",
                { key: lane, class: "lane" },
                h(
                    "div",
                    { class: "lane-track" },
                    untold(lanes, end, span_ms),
                    dense_bars(lanes, end, span_ms),
                    bars,
                ),
                running_words(running[lane], end, last_known_at !== null),
            ),
        ),
    );
}

// The broker notes attempts while somebody looks: before, an empty lane would tell a lie.
function untold(lanes, end, span_ms) {
    if (lanes.told_since === null || lanes.told_since <= end - span_ms) {
        return null;
    }
    return h("span", {
        key: "untold",
        class: "untold",
        style: place(end - span_ms, lanes.told_since, end, span_ms),
        title: "Nobody looked then: attempts are noted while a page like this is open",
    });
}

function dense_bars(lanes, end, span_ms) {
    return lanes.dense.map((part) =>
        h("span", {
            key: part.start,
            class: `bar dense ${part.kind === null ? "" : kind_class(part.kind)}`,
            style: place(part.start, part.end, end, span_ms),
            title: `${exact(part.count)} attempts in ${duration(part.end - part.start)}, too many to show each${part.kind === null ? "" : `; mostly ${part.kind}`}`,
        }),
    );
}

function bar(attempt, end, span_ms) {
    const ran = (attempt.end ?? end) - attempt.start;
    const outcome = attempt.state === "leased" ? "runs for" : `${attempt.state} after`;
    const words = `${task_name(attempt)}, ${outcome} ${duration(ran)}`;
    const is_failed = attempt.state !== "succeeded" && attempt.state !== "leased";
    return h("a", {
        key: attempt.key,
        href: attempt.number ? `/tasks/${attempt.number}` : null,
        title: words,
        "aria-label": words,
        tabindex: "-1",
        "data-task": attempt.number,
        class: `bar ${kind_class(attempt.kind)} ${is_failed ? "failed" : ""} ${attempt.end === null ? "current" : ""}`,
        style: place(attempt.start, attempt.end ?? end, end, span_ms),
    });
}

// A plain request has no number.
function task_name({ number, kind }) {
    return number ? `#${number} ${kind}` : kind;
}

// Where the time from `from` to `to` lies on a lane that ends now.
function place(from, to, end, span_ms) {
    const left = Math.max(0, 100 * (1 - (end - from) / span_ms));
    const right = Math.max(0, 100 * ((end - to) / span_ms));
    return { left: `${left.toFixed(2)}%`, right: `${right.toFixed(2)}%` };
}

function running_words(attempt, end, is_old) {
    if (!attempt) {
        return h("span", { class: "lane-now faint" }, is_old ? "–" : "idle");
    }
    return h(
        "a",
        {
            class: "lane-now",
            href: attempt.number ? `/tasks/${attempt.number}` : null,
            title: task_name(attempt),
            "data-task": attempt.number,
        },
        h("span", { class: "clip" }, attempt.kind),
        h("span", { class: "figure" }, duration(Math.max(0, end - attempt.start))),
    );
}
