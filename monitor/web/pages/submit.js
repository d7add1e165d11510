// Can I try it right now? A form, what it would be as a command, and what became of what was sent.

import { get, get_octets, post_text, task_path } from "./api.js";
import { exact } from "./format.js";
import { h } from "./vdom.js";
import { live } from "./live.js";
import { as_text } from "./octets.js";
import { card, command, empty, is_final, state_badge, task_link } from "./parts.js";
import { refresh } from "./router.js";
import { say } from "./notices.js";
import { body_of, command_of, fault_of } from "./submission.js";
import { time_of } from "./task_row.js";

export const submit = { name: "submit", title: () => "Submit", start: (context) => new Submit(context) };

const look_ms = 300;
const followed_max = 20;
const copies_max = 1000;
const result_shown_max = 200;

// What can be tried at once, where workers serve it.
const examples = [{ kind: "add", args: "2 3" }, { kind: "echo", args: '"hello there"' }, { kind: "sleep", args: "5" }, { kind: "divide", args: "1 0" }, { kind: "fail", args: '"not today"' }];

const fresh_form = { kind: "", input: "args", args: "", payload: "", queue: "", priority: "", delay: "", deadline: "", attempts: "", run_max: "", id: "", copies: "1" };
let form = { ...fresh_form };
let sent = [];  // [{number, task, result}], newest first; stays while the page is left

class Submit {
    constructor(context) {
        this.context = context;
        this.fault = null;
        this.is_busy = false;
        context.poll(look_ms, () => this.follow());
        this.fill_in();
    }

    query_changed() {
        this.fill_in();
    }

    // "Submit again" of a task's page.
    async fill_in() {
        const from = this.context.query.get("from");
        if (!from) {
            return;
        }
        try {
            const known = await get(task_path(from));
            const payload = await get_octets(task_path(from, "/payload")).catch(() => null);
            const text = payload ? as_text(payload.octets) : null;
            const is_args = payload?.type.includes("json") && text?.startsWith("[");
            form = { ...fresh_form, kind: known.kind, queue: known.queue, priority: known.priority ? String(known.priority) : "", input: is_args ? "args" : "payload", args: is_args ? text : "", payload: is_args ? "" : text ?? "" };
            if (text === null) {
                say(payload ? "Its payload is not text: it cannot be edited here, and was left out." : "Its payload is no longer kept: kind and options are filled in, the rest is yours.");
            }
        } catch (error) {
            say(`Task ${from} cannot be copied: ${error.message}`, { is_bad: true });
        }
        this.context.set_query({ from: "" }, { replace: true });
        refresh();
    }

    async follow() {
        const open = sent.slice(0, followed_max).filter((item) => !item.task || !is_final(item.task.state));
        await Promise.all(open.map(async (item) => {
            item.task = await get(task_path(item.number));
            if (item.task.state === "succeeded") {
                item.result = await get_octets(task_path(item.number, "/result")).catch(() => null);
            }
        }));
    }

    async send(event) {
        event.preventDefault();
        this.fault = fault_of(form);
        if (this.fault || this.is_busy) {
            refresh();
            document.querySelector(`.submit-form [name="${this.fault?.field}"]`)?.focus();
            return;
        }
        this.is_busy = true;
        refresh();
        const copies = Math.min(copies_max, Number(form.copies) || 1);
        try {
            const body = body_of(form);
            const answers = copies === 1 ? [await post_text("/tasks", body)] : await post_text("/tasks", `[${new Array(copies).fill(body).join(",")}]`);
            this.take(answers);
        } catch (error) {
            this.fault = { field: null, text: error.message };
        }
        this.is_busy = false;
        refresh();
    }

    take(answers) {
        const accepted = answers.filter((answer) => !answer.error);
        const refused = answers.find((answer) => answer.error);
        sent = [...accepted.map(({ number }) => ({ number, task: null, result: null })).reverse(), ...sent].slice(0, 100);
        document.querySelector(".sent")?.scrollIntoView({ block: "nearest" });
        if (refused) {
            this.fault = { field: null, text: `${exact(answers.length - accepted.length)} refused: ${refused.error.text}` };
        } else if (answers.length === 1 && answers[0].existed) {
            say(`There is a task with that id already: ${answers[0].number}.`);
        }
    }

    view() {
        if (live.now?.read_only) {
            return h("div", { key: "submit" }, h("h1", {}, "Submit"), empty("This monitor only looks", h("p", {}, "It was started with --read-only. From a terminal:"), command("xebec-client submit add 2 3 --wait")));
        }
        return h("div", { key: "submit", class: "submit" },
            h("div", { class: "page-head" }, h("h1", {}, "Submit")),
            h("div", { class: "submit-columns" }, this.form(), sent_list()));
    }

    form() {
        const choose = (input) => { form = { ...form, input }; refresh(); };
        return h("form", { key: "form", class: "card submit-form", "data-action": "submit", onsubmit: (event) => this.send(event), autocomplete: "off" },
            h("div", { class: "fields" },
                this.field("kind", "Kind", "what is to be done", { list: "kinds", required: true, placeholder: live.now?.kinds[0] ?? "add" }),
                this.field("queue", "Queue", "the line to stand in", { list: "queues", placeholder: "default" })),
            this.examples(),
            h("datalist", { id: "kinds" }, (live.now?.kinds ?? []).map((kind) => h("option", { value: kind }))),
            h("datalist", { id: "queues" }, (live.now?.queues ?? []).map((queue) => h("option", { value: queue.name }))),
            h("div", { class: "field-head" }, h("span", { id: "input-label" }, form.input === "args" ? "Arguments" : "Payload"),
                h("div", { class: "choice", role: "group", "aria-label": "What is sent" }, ["args", "payload"].map((input) =>
                    h("button", { type: "button", "aria-pressed": String(form.input === input), "data-choice": input, onclick: () => choose(input) }, input === "args" ? "Arguments" : "Payload")))),
            form.input === "args" ? this.area("args", '2 3   or   [2, {"width": 320}]', "words as on the command line, or a JSON array") : this.area("payload", "any text", "the octets that the worker gets"),
            h("details", { class: "options" }, h("summary", {}, "Options"),
                h("div", { class: "fields" },
                    this.field("priority", "Priority", "0 to 9, 9 first", { placeholder: "0", inputmode: "numeric" }), this.field("delay", "Delay", "not before", { placeholder: "10m" }),
                    this.field("deadline", "Deadline", "give up then", { placeholder: "2h" }), this.field("attempts", "Attempts", "at most", { placeholder: "the queue's", inputmode: "numeric" }),
                    this.field("run_max", "Run at most", "one attempt", { placeholder: "the queue's" }), this.field("id", "Id", "a UUID; twice is once", { placeholder: "made for you" }))),
            h("div", { class: "form-end" },
                h("button", { type: "submit", class: "main", disabled: this.is_busy }, this.is_busy ? "Submitting" : form.copies > 1 ? `Submit ${exact(Number(form.copies))}` : "Submit"),
                h("label", { class: "copies" }, h("input", { name: "copies", type: "number", min: 1, max: copies_max, updated: shows("copies"), oninput: this.keep("copies"), "aria-label": "Copies" }), "copies"),
                this.fault && !this.fault.field ? h("span", { class: "fault", role: "alert" }, this.fault.text) : null),
            form.kind ? h("div", { class: "as-command" }, h("span", { class: "faint" }, "The same from a terminal"), command(command_of(form))) : null);
    }

    examples() {
        const known = examples.filter(({ kind }) => live.now?.kinds.includes(kind));
        const take = (example) => {
            form = { ...form, input: "args", ...example };
            refresh();
        };
        return known.length === 0 ? null : h("div", { class: "examples" }, h("span", { class: "faint" }, "Try"), known.map((example) =>
            h("button", { type: "button", class: "chip mono", "data-example": example.kind, onclick: () => take(example) }, `${example.kind} ${example.args}`)));
    }

    keep(name) {
        return (event) => { form = { ...form, [name]: event.target.value }; this.fault = null; refresh(); };
    }

    field(name, label, about, props) {
        const is_wrong = this.fault?.field === name;
        return h("label", { key: name, class: is_wrong ? "is-wrong" : "" }, h("span", {}, label),
            h("input", { name, type: "text", updated: shows(name), spellcheck: "false", oninput: this.keep(name), "aria-describedby": `about-${name}`, "aria-invalid": is_wrong ? "true" : null, ...props }),
            h("small", { id: `about-${name}`, class: "faint" }, is_wrong ? this.fault.text : about));
    }

    area(name, placeholder, about) {
        const is_wrong = this.fault?.field === name;
        return h("label", { key: name, class: is_wrong ? "is-wrong" : "" },
            h("textarea", { name, rows: 5, spellcheck: "false", onkeydown: submit_on_enter, placeholder, updated: shows(name), oninput: this.keep(name), "aria-labelledby": "input-label", "aria-describedby": `about-${name}` }),
            h("small", { id: `about-${name}`, class: "faint" }, is_wrong ? this.fault.text : about));
    }
}

// The field shows what the form has, whoever put it there.
function shows(name) {
    return (element) => {
        if (element.value !== form[name]) {
            element.value = form[name];
        }
    };
}

function submit_on_enter(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.target.form.requestSubmit();
    }
}

function sent_list() {
    return card("Submitted here", { class: "sent" }, sent.length === 0
        ? empty("Nothing yet", h("p", {}, "What you submit appears here and changes as it goes on."))
        : [h("p", { class: "unseen", "aria-live": "polite" }, last_ended()), h("ul", {}, sent.map(({ number, task, result }) => h("li", { key: number, class: "row", tabindex: "-1", "data-task": number, "data-state": task?.state ?? "" },
            task_link(number, `#${number}`), h("span", { class: "clip strong" }, task?.kind ?? ""), task ? state_badge(task.state) : h("span", { class: "faint" }, "accepted"),
            h("span", { class: "figure faint" }, task ? time_of(task) : ""), outcome(task, result))))]);
}

function last_ended() {
    const ended = sent.find(({ task }) => task && is_final(task.state));
    return ended ? `Task ${ended.number} ${ended.task.state}` : "";
}

function outcome(task, result) {
    if (task?.error) {
        return h("span", { class: "sent-outcome clip error-words", title: task.error.text }, h("span", { class: "error-class" }, task.error.class), ` ${task.error.text.split("\n", 1)[0]}`);
    }
    const text = result && as_text(result.octets);
    return result ? h("code", { class: "sent-outcome clip" }, text === null ? `${exact(result.octets.length)} octets` : text.slice(0, result_shown_max) || "an empty result") : null;
}
