// A task's life as nodes from its acceptance to now, the attempts as branches.

import {
    clock_exact,
    date_exact,
    duration,
    instant,
    now,
    ran as ran_for,
    whole_duration,
} from "./format.js";
import { h } from "./vdom.js";

// Oldest first: {kind: "step" | "attempt", time, title, about, state, error?, worker?, ended?,
// is_live?}.
export function timeline_nodes(task, why_it_waits) {
    const nodes = [
        {
            kind: "step",
            time: instant(task.accepted_at),
            title: "Accepted",
            about: `queue ${task.queue}${task.priority ? `, priority ${task.priority}` : ""}`,
            state: "ready",
        },
    ];
    const attempts = attempts_of(task);
    attempts.forEach((attempt, index) => {
        nodes.push(attempt.is_unknown ? attempt : attempt_node(attempt));
        const is_end = index + 1 === attempts.length && task.state === "dead";
        if (attempt.state === "dead" && !is_end && !attempt.is_unknown) {
            nodes.push(retry_node);
        }
    });
    const end = end_node(task, why_it_waits);
    if (end) {
        nodes.push(end);
    }
    return nodes;
}

// That it was dead and went on all the same tells of it, not when it was.
const retry_node = {
    kind: "step",
    time: null,
    title: "Retried by hand",
    about: "has new attempts",
    state: "ready",
};

// All that is known of its attempts: those that failed, then the one it has now.
function attempts_of(task) {
    const known = (task.history ?? []).map((attempt) => ({
        ...attempt,
        outcome: outcome_of(attempt.state),
    }));
    const first = known[0]?.attempt ?? task.attempts;
    const is_last_known = known.some((attempt) => attempt.attempt === task.attempts);
    if (!is_last_known && task.attempts > 0 && task.started_at) {
        const outcome =
            task.state === "succeeded" || task.state === "leased"
                ? task.state
                : task.error
                  ? "failed"
                  : task.state;
        const is_end_its_own = outcome !== "failed" || task.state === "dead"; // or it waited after that
        known.push({
            attempt: task.attempts,
            worker: task.worker,
            started_at: task.started_at,
            ended_at: is_end_its_own ? task.finished_at : null,
            outcome,
            error: outcome === "failed" ? task.error : null,
        });
    }
    if (first > 1) {
        known.unshift({
            is_unknown: true,
            kind: "step",
            time: null,
            title: `${first - 1} earlier attempt${first === 2 ? "" : "s"}`,
            about: "no longer known in detail",
            state: "expired",
        });
    }
    return known;
}

// Of an attempt that did not succeed, by the state of its task after it.
function outcome_of(state) {
    switch (state) {
        case "ready":
            return "returned"; // its worker was lost, or gave it back
        case "cancelled":
        case "expired":
            return state;
        default:
            return "failed";
    }
}

function attempt_node({ attempt, worker, started_at, ended_at, outcome, error }) {
    const started = instant(started_at);
    const is_live = outcome === "leased";
    const ended = is_live ? null : instant(ended_at);
    const state = is_live
        ? "leased"
        : outcome === "succeeded"
          ? "succeeded"
          : outcome === "cancelled" || outcome === "expired"
            ? outcome
            : "dead";
    const ran = is_live ? now() - started : ended === null ? null : ended - started;
    const verb = is_live ? "runs for" : `${outcome}${ran === null ? "" : " after"}`;
    return {
        kind: "attempt",
        time: started,
        ended,
        title: `Attempt ${attempt}`,
        about: `${verb}${ran === null ? "" : ` ${ran_for(ran)}`}`,
        state,
        worker,
        error,
        is_live,
        is_failure: outcome === "failed", // the broker lets some time pass after it
    };
}

function end_node(task, why_it_waits) {
    const finished = instant(task.finished_at);
    switch (task.state) {
        case "scheduled": {
            const due = instant(task.due_at);
            const left =
                due === null
                    ? ""
                    : due > now()
                      ? `in ${whole_duration(due - now())}, at ${clock_exact(due)}`
                      : "now";
            return {
                kind: "step",
                time: null,
                title: task.attempts > 0 ? "Tried again" : "Becomes ready",
                about: left,
                state: "scheduled",
                is_live: true,
            };
        }
        case "ready":
            return {
                kind: "step",
                time: null,
                title: "Ready",
                about: why_it_waits,
                state: "ready",
                is_live: true,
            };
        case "blocked":
            return {
                kind: "step",
                time: null,
                title: "Blocked",
                about: "waits for other tasks",
                state: "blocked",
                is_live: true,
            };
        case "leased":
            return null;
        case "succeeded":
            return {
                kind: "step",
                time: finished,
                title: "Succeeded",
                about: "",
                state: "succeeded",
            };
        case "dead":
            return {
                kind: "step",
                time: finished,
                title: "Dead",
                about:
                    task.attempts >= task.attempts_max
                        ? "all attempts are used up"
                        : "its failure said that a retry is useless",
                state: "dead",
            };
        default:
            return {
                kind: "step",
                time: finished,
                title: task.state === "expired" ? "Expired" : "Cancelled",
                about: task.state === "expired" ? "its deadline passed" : "",
                state: task.state,
            };
    }
}

// `why_it_waits`: what is said of a task that is ready.
export function timeline(task, why_it_waits) {
    const nodes = timeline_nodes(task, why_it_waits);
    return h(
        "ol",
        { class: "timeline", "aria-label": "Timeline" },
        nodes.map((node, index) => [
            node_view(node, index, index + 1 === nodes.length),
            gap_view(node, nodes[index + 1], index),
        ]),
    );
}

function node_view(node, index, is_last) {
    return h(
        "li",
        {
            key: index,
            class: `node ${node.kind} ${node.state} ${node.is_live ? "is-current" : ""}`,
            "data-node": node.title,
        },
        h("span", { class: "node-mark" }),
        node.kind === "attempt" && !node.is_live && !is_last
            ? h("span", { class: "node-join" })
            : null,
        h(
            "div",
            { class: "node-head" },
            h("strong", {}, node.title),
            node.worker
                ? h(
                      "a",
                      {
                          class: "node-worker",
                          href: `/tasks?worker=${encodeURIComponent(node.worker)}`,
                      },
                      node.worker,
                  )
                : null,
            h(
                "span",
                { class: node.kind === "attempt" ? `outcome ${node.state}` : "faint" },
                node.about,
            ),
            node.time !== null
                ? h(
                      "time",
                      {
                          class: "faint figure",
                          datetime: new Date(node.time).toISOString(),
                          title: date_exact(node.time),
                      },
                      clock_exact(node.time),
                  )
                : null,
        ),
        node.error ? error_view(node.error) : null,
    );
}

// How long it took from one node to the next.
function gap_view(node, next, index) {
    const from = node.ended ?? node.time;
    const to = next?.time ?? null;
    if (!next || from === null || to === null || to - from < 1) {
        return null;
    }
    const words = next.kind !== "attempt" ? "" : node.is_failure ? "paused" : "waited";
    return h(
        "li",
        { key: `gap ${index}`, class: "gap" },
        h("span", { class: "faint" }, `${words} ${duration(to - from)}`.trim()),
    );
}

// The error's class and first line; what else it brought is the tail of the output.
function error_view({ class: error_class, text }) {
    const [first, ...rest] = text.split("\n");
    const tail = rest.join("\n").trim();
    return h(
        "div",
        { class: "node-error" },
        h("p", {}, h("span", { class: "error-class" }, error_class), " ", first),
        tail ? h("pre", { tabindex: "0", "aria-label": "The tail of its output" }, tail) : null,
    );
}
