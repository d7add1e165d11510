// The evidence beneath the charts, and what stands there while there is none.

import { duration_us, exact, octets, percent, short } from "./format.js";
import { was_never_a_broker } from "./live.js";
import { outlook } from "./outlook.js";
import {
    card,
    command,
    empty,
    load_meter,
    room_meter,
    number,
    states,
    table,
    task_link,
    took,
    waiting,
} from "./parts.js";
import { h } from "./vdom.js";

const rows_max = 8;

export function state_strip(tasks) {
    const total = states.reduce((sum, state) => sum + tasks[state], 0);
    return h(
        "nav",
        { class: "state-strip", "aria-label": "Tasks by state" },
        states.map((state) =>
            h(
                "a",
                {
                    href: `/tasks?state=${state}`,
                    "data-state": state,
                    class: tasks[state] === 0 ? "is-zero" : "",
                    title: `${exact(tasks[state])} tasks, ${percent(tasks[state], total)} of all`,
                },
                h("span", { class: `state ${state}` }, h("i", { class: "dot" }), state),
                h("span", { class: "figure" }, short(tasks[state])),
            ),
        ),
    );
}

export function is_untouched(shown) {
    return shown.totals.submitted === 0 && states.every((state) => shown.tasks[state] === 0);
}

export function first_steps(shown) {
    const is_broker_missing = was_never_a_broker();
    return card(
        `${is_broker_missing ? "Three" : "Two"} commands to the first result`,
        { class: "first-steps" },
        h(
            "ol",
            {},
            is_broker_missing
                ? h(
                      "li",
                      {},
                      h("p", {}, "Start a broker. It keeps its tasks in ./xebec-data."),
                      command("xebec-broker"),
                  )
                : null,
            shown.workers === 0
                ? h(
                      "li",
                      {},
                      h(
                          "p",
                          {},
                          "Start workers. They serve add, echo, sleep and other kinds that need no code.",
                      ),
                      command("xebec-worker --count 4"),
                  )
                : null,
            h(
                "li",
                {},
                h(
                    "p",
                    {},
                    "Submit a task and wait for what comes of it, or ",
                    shown.read_only ? "" : h("a", { href: "/submit" }, "do it from here"),
                    ".",
                ),
                command("xebec-client submit add 2 3 --wait"),
            ),
        ),
    );
}

export function busiest_queues(queues) {
    const columns = [
        { name: "name", title: "Queue" },
        { name: "ready", title: "Ready", class: "figure" },
        { name: "oldest", title: "Oldest", class: "figure" },
        { name: "outlook", title: "Outlook", class: "outlook-cell" },
    ];
    const rows = queues.slice(0, rows_max).map((queue) => {
        const { level, words } = outlook(queue, queue.ready);
        const href = `/queues?queue=${encodeURIComponent(queue.name)}`;
        return {
            key: queue.name,
            props: { "data-queue": queue.name },
            cells: [
                h("a", { href, class: "name" }, queue.name),
                number(queue.ready),
                queue.ready > 0 ? took(queue.oldest_wait_ms) : "–",
                h("span", { class: `outlook ${level}` }, words),
            ],
        };
    });
    return card(
        "Busiest queues",
        {
            class: "wide",
            aside:
                queues.length > rows_max
                    ? h("a", { href: "/queues" }, `all ${exact(queues.length)}`)
                    : null,
        },
        rows.length > 0
            ? table("Busiest queues", columns, rows, { class: "plain" })
            : empty("No queue yet", h("p", {}, "A queue comes with its first task.")),
    );
}

// `errors`: null while they are not known; `are_missing`: the broker did not tell them.
export function failures(errors, are_missing) {
    const body = !errors
        ? are_missing
            ? empty("Not known", h("p", {}, "The broker did not tell its failures."))
            : waiting("Looking.")
        : errors.length === 0
          ? empty("Nothing failed", h("p", {}, "Errors are gathered here by their class."))
          : h(
                "ul",
                { class: "failures" },
                errors.slice(0, rows_max).map((error) =>
                    h(
                        "li",
                        { key: error.class, "data-error-class": error.class },
                        h(
                            "a",
                            {
                                href: `/tasks?error=${encodeURIComponent(error.class)}`,
                                class: "failure-class",
                            },
                            error.class,
                        ),
                        h("span", { class: "figure" }, number(error.count)),
                        h(
                            "span",
                            { class: "failure-text faint", title: error.text },
                            first_line(error.text),
                        ),
                        task_link(error.latest, `#${error.latest}`),
                    ),
                ),
            );
    return card(
        "Newest failures",
        {
            aside: h(
                "span",
                {
                    class: "faint",
                    title: "The newest 1,000 tasks that failed, gathered by the class of their errors",
                },
                "newest 1,000",
            ),
        },
        body,
    );
}

function first_line(text) {
    return text.split("\n", 1)[0];
}

export function broker_card({ resources, broker, totals, step_max_us }) {
    const address = h("span", { class: "faint mono" }, broker.address.replace("tcp://", ""));
    return card(
        "Broker",
        {
            aside: resources?.read_only
                ? h("span", { class: "tag bad" }, "disk full: read only")
                : address,
        },
        resources ? broker_meters(resources) : null,
        h(
            "dl",
            { class: "facts" },
            resources
                ? [h("dt", {}, "Journal"), h("dd", {}, octets(resources.journal_octets))]
                : null,
            h("dt", {}, "Longest step"),
            h("dd", {}, duration_us(step_max_us)),
            h("dt", {}, "Submitted since start"),
            h("dd", {}, number(totals.submitted)),
            h("dt", {}, "Workers lost"),
            h("dd", {}, number(totals.workers_lost)),
        ),
    );
}

function broker_meters(resources) {
    const { resident_octets, memory_octets_max, cpu_permille, disk_free, disk_total } = resources;
    const one_core = `${Math.round(cpu_permille / 10)} % of one core`;
    const disk_words = `${octets(disk_free)} free of ${octets(disk_total)}`;
    return [
        memory_octets_max
            ? room_meter("Memory", resident_octets, memory_octets_max)
            : load_meter("Memory", 0, octets(resident_octets)),
        load_meter("Processor", cpu_permille, one_core),
        room_meter("Disk", disk_total - disk_free, disk_total, disk_words),
    ];
}
