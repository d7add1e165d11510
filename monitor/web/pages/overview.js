// Is anything wrong, and since when? The verdict in words; below it the evidence.

import { get } from "./api.js";
import { line_chart } from "./charts.js";
import { duration_us, exact, octets, percent, rate, short, whole_duration, now } from "./format.js";
import { h } from "./vdom.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { is_token_asked } from "./session.js";
import { SteadyOrder } from "./steady_order.js";
import { outlook } from "./outlook.js";
import { card, command, empty, meter, number, states, table, task_link, took, waiting } from "./parts.js";
import { Past, follow_past, ranges } from "./past.js";

const queues_shown = 8;
const edge_ms = 15_000;  // a range is full that much before its end

export const overview = { name: "overview", title: () => "Overview", start: (context) => new Overview(context) };

class Overview {
    constructor(context) {
        this.context = context;
        this.errors = null;
        this.order = new SteadyOrder((a, b) => b.ready - a.ready || a.name.localeCompare(b.name));
        this.start_past();
        context.poll(10_000, async () => { this.errors = await get("/errors"); });
    }

    start_past(unasked = "1h") {
        this.unfollow?.();
        this.range = this.asked_range() ?? unasked;
        this.past = new Past(this.range);
        this.unfollow = follow_past(this.past, this.context);
    }

    stop() {
        this.unfollow();
    }

    asked_range() {
        const asked = this.context.query.get("range");
        return asked in ranges ? asked : null;
    }

    query_changed() {
        if ((this.asked_range() ?? this.range) !== this.range) {
            this.start_past();
        }
    }

    // An hour of which only some minutes are known would be an empty picture.
    fit_range() {
        if (this.asked_range() || !this.past.is_loaded) {
            return;
        }
        const known_ms = this.past.known_ms() + edge_ms;
        const fitting = Object.keys(ranges).find((name) => known_ms < ranges[name][0]) ?? "1h";
        const is_wider = ranges[fitting][0] > this.past.span_ms;
        if (fitting !== this.range && (is_wider || this.range === "1h")) {
            this.start_past(fitting);
        }
    }

    view() {
        if (!live.now) {
            return h("div", { key: "overview" }, h("h1", { class: "verdict-words" }, "Overview"), waiting(this.why_nothing()));
        }
        return h("div", { key: "overview", class: "overview" },
            verdict(live.now),
            state_strip(live.now.tasks),
            is_untouched(live.now) ? first_steps(live.now) : this.charts(),
            h("div", { class: "columns" }, busiest_queues(this.order.sort(live.now.queues)), failures(this.errors), broker_card(live.now)));
    }

    why_nothing() {
        if (is_token_asked()) {
            return "The figures come once you have signed in.";
        }
        return live.is_open === false ? "The monitor does not answer. This page goes on by itself once it does." : "Waiting for the first figures.";
    }

    charts() {
        this.fit_range();
        const { past } = this;
        const is_run = this.context.query.get("latency") === "run";
        const part = is_run ? "run" : "wait";
        const current = live.now.sample;
        const of = this.range === "1h" ? "last hour" : `last ${parseInt(this.range, 10)} minutes`;
        return h("section", { class: "charts", "aria-label": `Charts of the ${of}` },
            h("div", { class: "charts-head" }, h("h2", {}, `The ${of}`),
                choice("Range", Object.keys(ranges).map((name) => ({ name, title: { "5m": "5 min", "15m": "15 min", "1h": "1 h" }[name] })), this.range, (name) => this.context.set_query({ range: name }, { replace: true }))),
            h("div", { class: "charts-grid" },
                chart_card("Throughput", "tasks a second", null, {
                    key: `throughput ${this.range}`, data: past, write: rate, top: 1,
                    label: `Tasks a second, ${of}; now ${rate(current?.submitted)} submitted, ${rate(current?.finished)} finished, ${rate(current?.failed)} failed`,
                    lines: [{ column: "finished", name: "finished", colour: "accent", is_filled: true }, { column: "submitted", name: "submitted", colour: "text-faint" }, { column: "failed", name: "failed", colour: "dead" }],
                }),
                chart_card("Latency", is_run ? "how long attempts run" : "how long tasks wait until they start",
                    choice("Latency of", [{ name: "wait", title: "Wait" }, { name: "run", title: "Run" }], part, (name) => this.context.set_query({ latency: name === "wait" ? "" : name }, { replace: true })), {
                        key: `latency ${part} ${this.range}`, data: past, write: duration_us, is_logarithmic: true,
                        label: `${is_run ? "Run" : "Wait"} percentiles, ${of}; now half below ${duration_us(current?.[`${part}_p50_us`])}, 99 of 100 below ${duration_us(current?.[`${part}_p99_us`])}`,
                        lines: [{ column: `${part}_p99_us`, name: "p99", colour: "series-strong" }, { column: `${part}_p95_us`, name: "p95", colour: "series-middle" }, { column: `${part}_p50_us`, name: "p50", colour: "series-soft" }],
                    }),
                chart_card("Queues", "tasks that wait and run", null, {
                    key: `queues ${this.range}`, data: past, write: short, top: 4,
                    label: `Tasks, ${of}; now ${exact(current?.waiting ?? 0)} wait, ${exact(current?.running ?? 0)} run`,
                    lines: [{ column: "waiting", name: "waiting", colour: "accent", is_filled: true }, { column: "running", name: "running", colour: "leased" }],
                }),
                chart_card("Workers", "slots busy of all", null, {
                    key: `workers ${this.range}`, data: past, write: short, top: 4,
                    label: `Slots, ${of}; now ${exact(live.now.slots_busy)} of ${exact(live.now.slots)} busy at ${exact(live.now.workers)} workers`,
                    lines: [{ column: "slots", name: "slots", colour: "text-faint" }, { column: "slots_busy", name: "busy", colour: "leased", is_filled: true }],
                })));
    }
}

function chart_card(title, subtitle, aside, chart) {
    return h("section", { class: "card chart-card", "aria-label": title },
        h("header", { class: "card-head" }, h("h3", {}, title), h("span", { class: "faint" }, subtitle), aside ? h("div", { class: "aside" }, aside) : null),
        line_chart(chart));
}

// A few words side by side, one of them chosen.
function choice(label, options, chosen, choose) {
    return h("div", { class: "choice", role: "group", "aria-label": label }, options.map(({ name, title }) =>
        h("button", { type: "button", "aria-pressed": String(name === chosen), "data-choice": name, onclick: () => choose(name) }, title)));
}

function verdict({ verdict: words, findings }) {
    const level = findings.some((finding) => finding.level === "bad") ? "bad" : findings.length > 0 ? "warn" : "good";
    return h("section", { class: `verdict ${level}`, "aria-label": "Verdict", "data-verdict": level },
        h("div", { class: "verdict-head" }, h("span", { class: "verdict-mark" }, icon(level)),
            h("h1", { class: "verdict-words" }, words)),
        h("p", { class: "unseen", "aria-live": "polite" }, announced(level, words, findings)),
        findings.length > 0 ? h("ul", { class: "findings" }, findings.map(finding_line)) : null);
}

let last_announced = { of: null, words: "" };

// What a screen reader is told: not with every new figure, but when it is another verdict.
function announced(level, words, findings) {
    const of = `${level} ${findings.map((finding) => `${finding.level} ${finding.link}`).join()}`;
    if (of !== last_announced.of) {
        last_announced = { of, words: [words, ...findings.map((finding) => finding.text)].join(" ") };
    }
    return last_announced.words;
}

function finding_line(finding) {
    const parts = [
        h("span", { class: `finding-mark ${finding.level}` }, icon(finding.level), h("span", { class: "unseen" }, finding.level === "bad" ? "bad" : "to look at")),
        h("span", { class: "finding-words" }, finding.text),
        h("span", { class: "faint finding-since" }, finding.since ? `for ${whole_duration(Math.max(0, now() - finding.since))}` : ""),
    ];
    const is_inside = finding.link?.startsWith("/") && !finding.link.startsWith("//");
    return h("li", { "data-finding": finding.level }, is_inside ? h("a", { href: finding.link }, ...parts, icon("right")) : h("span", {}, ...parts));
}

function state_strip(tasks) {
    const total = states.reduce((sum, state) => sum + tasks[state], 0);
    return h("nav", { class: "state-strip", "aria-label": "Tasks by state" }, states.map((state) =>
        h("a", { href: `/tasks?state=${state}`, "data-state": state, class: tasks[state] === 0 ? "is-zero" : "", title: `${exact(tasks[state])} tasks, ${percent(tasks[state], total)} of all` },
            h("span", { class: `state ${state}` }, h("i", { class: "dot" }), state),
            h("span", { class: "figure" }, short(tasks[state])))));
}

function is_untouched(shown) {
    return shown.totals.submitted === 0 && states.every((state) => shown.tasks[state] === 0);
}

function first_steps(shown) {
    return card("Two commands to the first result", { class: "first-steps" },
        h("ol", {},
            shown.workers === 0 ? h("li", {}, h("p", {}, "Start workers. They serve add, echo, sleep and other kinds that need no code."), command("xebec-worker --count 4")) : null,
            h("li", {}, h("p", {}, "Submit a task and wait for what comes of it, or ", shown.read_only ? "" : h("a", { href: "/submit" }, "do it from here"), "."), command("xebec-client submit add 2 3 --wait"))));
}

function busiest_queues(queues) {
    const columns = [
        { name: "name", title: "Queue" }, { name: "ready", title: "Ready", class: "figure" },
        { name: "oldest", title: "Oldest", class: "figure" }, { name: "outlook", title: "Outlook", class: "outlook-cell" },
    ];
    const rows = queues.slice(0, queues_shown).map((queue) => {
        const { level, words } = outlook(queue, queue.ready);
        const href = `/queues?queue=${encodeURIComponent(queue.name)}`;
        return {
            key: queue.name, props: { "data-queue": queue.name },
            cells: [h("a", { href, class: "name" }, queue.name), number(queue.ready), queue.ready > 0 ? took(queue.oldest_wait_ms) : "–", h("span", { class: `outlook ${level}` }, words)],
        };
    });
    return card("Busiest queues", { class: "wide", aside: queues.length > queues_shown ? h("a", { href: "/queues" }, `all ${exact(queues.length)}`) : null },
        rows.length > 0 ? table("Busiest queues", columns, rows, { class: "plain" }) : empty("No queue yet", h("p", {}, "A queue comes with its first task.")));
}

function failures(errors) {
    const body = !errors ? waiting("Looking.") : errors.length === 0
        ? empty("Nothing failed", h("p", {}, "Errors are gathered here by their class."))
        : h("ul", { class: "failures" }, errors.slice(0, queues_shown).map((error) =>
            h("li", { key: error.class, "data-error-class": error.class },
                h("a", { href: `/tasks?error=${encodeURIComponent(error.class)}`, class: "failure-class" }, error.class),
                h("span", { class: "figure" }, number(error.count)),
                h("span", { class: "failure-text faint", title: error.text }, first_line(error.text)),
                task_link(error.latest, `#${error.latest}`))));
    return card("Newest failures", { aside: h("span", { class: "faint", title: "The newest 1,000 tasks that failed, gathered by the class of their errors" }, "newest 1,000") }, body);
}

function first_line(text) {
    return text.split("\n", 1)[0];
}

function broker_card({ resources, broker, totals, step_max_us }) {
    const address = h("span", { class: "faint mono" }, broker.address.replace("tcp://", ""));
    return card("Broker", { aside: resources?.is_read_only ? h("span", { class: "tag bad" }, "disk full: read only") : address },
        resources ? broker_meters(resources) : null,
        h("dl", { class: "facts" },
            resources ? [h("dt", {}, "Journal"), h("dd", {}, octets(resources.journal_octets))] : null,
            h("dt", {}, "Longest step"), h("dd", {}, duration_us(step_max_us)),
            h("dt", {}, "Submitted since start"), h("dd", {}, number(totals.submitted)),
            h("dt", {}, "Workers lost"), h("dd", {}, number(totals.workers_lost))));
}

function broker_meters(resources) {
    const { resident_octets, memory_octets_max, cpu_permille, disk_free, disk_total } = resources;
    return [
        memory_octets_max
            ? meter("Memory", resident_octets, memory_octets_max, `${octets(resident_octets)} of ${octets(memory_octets_max)}`)
            : meter("Memory", 0, 1, octets(resident_octets)),
        meter("Processor", cpu_permille, 1000, `${Math.round(cpu_permille / 10)} % of one core`),
        meter("Disk", disk_total - disk_free, disk_total, `${octets(disk_free)} free of ${octets(disk_total)}`),
    ];
}
