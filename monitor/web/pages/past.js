// The last hour: asked for once, then kept up with what every live event brings.

import { get } from "./api.js";
import { live, on_live } from "./live.js";

// How far back, and how fine: [milliseconds, seconds a point].
export const ranges = { "5m": [300_000, 1], "15m": [900_000, 5], "1h": [3_600_000, 10] };

const times = (count) => (count > 1 ? `, ${count} times` : "");

const event_words = {
    broker_found: () => "broker found",
    broker_restarted: (count) => `broker restarted${times(count)}`,
    broker_silent: (count) => `broker silent${times(count)}`,
    broker_back: (count) => `broker back${times(count)}`,
    worker_lost: (count) => (count === 1 ? "worker lost" : `${count} workers lost`),
};

export class Past {
    constructor(range) {
        [this.span_ms, this.step_s] = ranges[range] ?? ranges["1h"];
        this.step_ms = 1000 * this.step_s;
        this.times = [];
        this.columns = {};
        this.marks = [];
        this.bucket = null; // {index, counts} of the newest point, which still grows
        this.is_loaded = false;
    }

    async load() {
        const told = await get(`/history?step=${this.step_s}`);
        const names = Object.keys(told.columns);
        const count = names.length === 0 ? 0 : told.columns[names[0]].length;
        const first = Math.max(0, count - Math.ceil(this.span_ms / told.step_ms));
        this.step_ms = told.step_ms;
        this.times = Array.from(
            { length: count - first },
            (_, i) => told.start + (first + i) * told.step_ms,
        );
        for (const name of names) {
            this.columns[name] = told.columns[name].slice(first);
        }
        this.marks = told.marks;
        this.bucket = null;
        this.is_loaded = true;
    }

    // From the first point of which anything is known to now.
    known_ms() {
        const first = this.times.findIndex(
            (_, index) => (this.columns.workers?.[index] ?? null) !== null,
        );
        return first < 0 ? 0 : this.times.at(-1) - this.times[first];
    }

    // What the marks tell: {time, kind, name, is_bad, words(count)}, oldest first.
    events() {
        const is_after_silence = (mark) =>
            this.marks.some(({ kind, time }) => kind === "broker_silent" && time < mark.time);
        return this.marks
            .map((mark) =>
                mark.kind === "broker_back" && !is_after_silence(mark)
                    ? { ...mark, kind: "broker_found" }
                    : mark,
            )
            .filter(({ kind }) => kind in event_words)
            .map((mark) => ({
                ...mark,
                is_bad: !["broker_back", "broker_found"].includes(mark.kind),
                words: (count) => event_words[mark.kind](count),
            }));
    }

    // Folds the newest second in. What lies between it and the last point is a gap.
    add(time, sample) {
        if (!this.is_loaded || !sample) {
            return;
        }
        const start = Math.floor(time / this.step_ms) * this.step_ms;
        const last = this.times.at(-1);
        if (last === undefined || start > last) {
            this.push(start, last);
        }
        const at = this.times.length - 1;
        for (const [name, column] of Object.entries(this.columns)) {
            const value = sample[name] ?? null;
            if (value === null) {
                continue;
            }
            this.bucket ??= { counts: {} };
            const count = this.bucket.counts[name] ?? (column[at] === null ? 0 : 1);
            column[at] = name.endsWith("_us")
                ? Math.max(column[at] ?? 0, value) // the worst, as the server keeps it
                : ((column[at] ?? 0) * count + value) / (count + 1);
            this.bucket.counts[name] = count + 1;
        }
    }

    push(start, last) {
        if (last !== undefined) {
            for (
                let time = last + this.step_ms;
                time < start && start - time < this.span_ms;
                time += this.step_ms
            ) {
                this.extend(time);
            }
        }
        this.extend(start);
        this.bucket = { counts: {} };
        const surplus = this.times.length - Math.ceil(this.span_ms / this.step_ms) - 1;
        if (surplus > 0) {
            this.times.splice(0, surplus);
            for (const column of Object.values(this.columns)) {
                column.splice(0, surplus);
            }
        }
    }

    extend(time) {
        this.times.push(time);
        for (const column of Object.values(this.columns)) {
            column.push(null);
        }
    }
}

// Of what the history has marks: who came and went.
function what_is_marked({ broker, workers, totals }) {
    return `${broker.state} ${broker.epoch} ${workers} ${totals.workers_lost}`;
}

// Keeps `past` up with the live events until the answer is called. Asks for the hour again every
// minute, which heals whatever was missed meanwhile.
export function follow_past(past, context) {
    const look = context.poll(60_000, () => past.load());
    let newest = 0;
    let known = "";
    const unlisten = on_live(() => {
        const time = live.now?.time ?? 0;
        if (time > newest) {
            newest = time;
            past.add(time, live.now.sample);
            const marked = what_is_marked(live.now);
            if (known && marked !== known) {
                look(); // there is a new mark
            }
            known = marked;
        }
    });
    return () => {
        look.stop();
        unlisten();
    };
}
