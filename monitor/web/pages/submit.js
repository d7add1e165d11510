// Can I try it right now? A form, what it would be as a command, and what became of what was sent.

import { get, get_octets, post_text, task_path } from "./api.js";
import { exact } from "./format.js";
import { live } from "./live.js";
import { say } from "./notices.js";
import { as_text } from "./octets.js";
import { command, empty, has_payload } from "./parts.js";
import { refresh } from "./router.js";
import { add_sent, follow_sent, sent_list } from "./sent.js";
import { form_of_task, fresh_form, submit_form } from "./submit_form.js";
import { body_of, fault_of } from "./submission.js";
import { h } from "./vdom.js";

export const submit = {
    name: "submit",
    title: () => "Submit",
    start: (context) => new Submit(context),
};

const look_ms = 300;
const copies_max = 1000;

let form = { ...fresh_form }; // stays while the page is left

class Submit {
    constructor(context) {
        this.context = context;
        this.fault = null;
        this.is_busy = false;
        context.poll(look_ms, follow_sent);
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
        this.context.set_query({ from: "" }, { replace: true });
        try {
            const task = await get(task_path(from));
            const payload = has_payload(task.state)
                ? await get_octets(task_path(from, "/payload")).catch(() => null)
                : null;
            const text = payload ? as_text(payload.octets) : null;
            form = form_of_task(task, text, payload?.type ?? "");
            if (text === null) {
                say(
                    payload
                        ? "Its payload is not text: it cannot be edited here, and was left out."
                        : "Its payload is no longer kept: kind and queue are filled in, the rest is yours.",
                );
            }
        } catch (error) {
            say(`Task ${from} cannot be copied: ${error.message}`, { is_bad: true });
        }
        refresh();
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
        try {
            this.take(await this.post_copies(Math.min(copies_max, Number(form.copies) || 1)));
        } catch (error) {
            this.fault = { field: null, text: error.message };
        }
        this.is_busy = false;
        refresh();
    }

    async post_copies(copies) {
        const body = body_of(form);
        return copies === 1
            ? [await post_text("/tasks", body)]
            : post_text("/tasks", `[${new Array(copies).fill(body).join(",")}]`);
    }

    take(answers) {
        const accepted = answers.filter((answer) => !answer.error);
        const refused = answers.find((answer) => answer.error);
        add_sent(accepted.map((answer) => answer.number));
        document.querySelector(".sent")?.scrollIntoView({ block: "nearest" });
        if (refused) {
            const count = answers.length - accepted.length;
            this.fault = { field: null, text: `${exact(count)} refused: ${refused.error.text}` };
        } else if (answers.length === 1 && answers[0].existed) {
            say(`There is a task with that id already: ${answers[0].number}.`);
        }
    }

    view() {
        const head = h("div", { class: "page-head" }, h("h1", {}, "Submit"));
        if (live.now?.read_only) {
            return h(
                "div",
                { key: "submit" },
                head,
                empty(
                    "This monitor only looks",
                    h("p", {}, "It was started with --read-only. From a terminal:"),
                    command("xebec-client submit add 2 3 --wait"),
                ),
            );
        }
        const change = (changes) => {
            form = { ...form, ...changes };
            this.fault = null;
            refresh();
        };
        const shown = submit_form(form, {
            fault: this.fault,
            is_busy: this.is_busy,
            copies_max,
            change,
            send: (event) => this.send(event),
        });
        return h(
            "div",
            { key: "submit", class: "submit" },
            head,
            h("div", { class: "submit-columns" }, shown, sent_list()),
        );
    }
}
