// Says of a queue whether it will drain: the question behind all its figures.

import { duration, rate, short } from "./format.js";
import { last_known_at } from "./live.js";

const worth_saying = 0.05; // of the rate: less than that is as good as even

const passing_s = 2;

// {level: "good" | "warn" | "bad" | "", words}
export function outlook(queue, ready) {
    const { in_per_s: comes, out_per_s: goes } = queue;
    if (queue.paused) {
        return { level: "warn", words: ready > 0 ? "work waits" : "paused" };
    }
    if (comes === null || goes === null || last_known_at() !== null) {
        return { level: "", words: "–" };
    }
    if (ready === 0) {
        return { level: "", words: comes > 0 || goes > 0 ? "keeps up" : "idle" };
    }
    if (goes === 0) {
        return {
            level: queue.oldest_wait_ms > 5000 ? "bad" : "",
            words: queue.oldest_wait_ms > 5000 ? "stands still" : "starts",
        };
    }
    if (queue.unserved > 0) {
        return { level: "bad", words: `no worker for ${short(queue.unserved)}` };
    }
    const drains = goes - comes;
    const is_even = Math.abs(drains) < worth_saying * Math.max(comes, goes);
    if (ready < passing_s * goes && (drains > 0 || is_even)) {
        return { level: "", words: "keeps up" }; // what is there is only passing through
    }
    if (is_even) {
        return { level: "", words: "even" };
    }
    if (drains < 0) {
        return { level: "warn", words: `grows ${rate(-drains)}/s` };
    }
    return { level: "good", words: `drains in ${duration((1000 * ready) / drains)}` };
}
