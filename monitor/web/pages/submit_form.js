// The form of a submission. What it holds lies with the page; here is how it looks.

import { exact } from "./format.js";
import { live } from "./live.js";
import { choice, command } from "./parts.js";
import { command_of } from "./submission.js";
import { h } from "./vdom.js";

export const fresh_form = {
    kind: "",
    queue: "",
    input: "args",
    args: "",
    payload: "",
    copies: "1",
    priority: "",
    delay: "",
    deadline: "",
    attempts: "",
    run_max: "",
    id: "",
};

// A form that would submit `task` again, whose payload is `text` (null: not known).
export function form_of_task(task, text, type) {
    const is_args = text !== null && type.includes("json") && text.startsWith("[");
    const input =
        is_args || text === null
            ? { input: "args", args: text ?? "" }
            : { input: "payload", payload: text };
    return {
        ...fresh_form,
        kind: task.kind,
        queue: task.queue,
        priority: task.priority ? String(task.priority) : "",
        ...input,
    };
}

// What can be tried at once, where workers serve it.
const examples = [
    { kind: "add", args: "2 3" },
    { kind: "echo", args: '"hello there"' },
    { kind: "sleep", args: "5" },
    { kind: "divide", args: "1 0" },
    { kind: "fail", args: '"not today"' },
];

const options = [
    {
        name: "priority",
        label: "Priority",
        about: "0 to 9, 9 first",
        placeholder: "0",
        inputmode: "numeric",
    },
    { name: "delay", label: "Delay", about: "not before", placeholder: "10m" },
    { name: "deadline", label: "Deadline", about: "give up then", placeholder: "2h" },
    {
        name: "attempts",
        label: "Attempts",
        about: "at most",
        placeholder: "the queue's",
        inputmode: "numeric",
    },
    { name: "run_max", label: "Run at most", about: "one attempt", placeholder: "the queue's" },
    { name: "id", label: "Id", about: "a UUID; twice is once", placeholder: "made for you" },
];

const inputs = [
    {
        name: "args",
        title: "Arguments",
        placeholder: '2 3   or   [2, {"width": 320}]',
        about: "words as on the command line, or a JSON array",
    },
    {
        name: "payload",
        title: "Payload",
        placeholder: "any text",
        about: "the octets that the worker gets",
    },
];

// `page`: {fault, is_busy, copies_max, change(changes), send(event)}.
export function submit_form(form, page) {
    const kinds = live.now?.kinds ?? [];
    const queues = (live.now?.queues ?? []).map((queue) => queue.name);
    return h(
        "form",
        {
            key: "form",
            class: "card submit-form",
            "data-action": "submit",
            autocomplete: "off",
            onsubmit: page.send,
        },
        h(
            "div",
            { class: "fields" },
            field(form, page, {
                name: "kind",
                label: "Kind",
                about: "what is to be done",
                list: "kinds",
                required: true,
                placeholder: kinds[0] ?? "add",
            }),
            field(form, page, {
                name: "queue",
                label: "Queue",
                about: "the line to stand in",
                list: "queues",
                placeholder: "default",
            }),
        ),
        names("kinds", kinds),
        names("queues", queues),
        example_buttons(kinds, page),
        input_area(form, page),
        h(
            "details",
            { class: "options" },
            h("summary", {}, "Options"),
            h(
                "div",
                { class: "fields" },
                options.map((option) => field(form, page, option)),
            ),
        ),
        form_end(form, page),
        form.kind
            ? h(
                  "div",
                  { class: "as-command" },
                  h("span", { class: "faint" }, "The same from a terminal"),
                  command(command_of(form)),
              )
            : null,
    );
}

function names(id, all) {
    return h(
        "datalist",
        { id },
        all.map((name) => h("option", { value: name })),
    );
}

function example_buttons(kinds, { change }) {
    const known = examples.filter(({ kind }) => kinds.includes(kind));
    if (known.length === 0) {
        return null;
    }
    return h(
        "div",
        { class: "examples" },
        h("span", { class: "faint" }, "Try"),
        known.map((example) =>
            h(
                "button",
                {
                    type: "button",
                    class: "chip mono",
                    "data-example": example.kind,
                    onclick: () => change({ input: "args", ...example }),
                },
                `${example.kind} ${example.args}`,
            ),
        ),
    );
}

function input_area(form, page) {
    const { name, title, placeholder, about } = inputs.find((input) => input.name === form.input);
    const area = h("textarea", {
        name,
        rows: 5,
        spellcheck: "false",
        placeholder,
        "aria-labelledby": "input-label",
        "aria-describedby": `about-${name}`,
        updated: shows(form[name]),
        oninput: keeps(name, page),
        onkeydown: submit_on_enter,
    });
    return [
        h(
            "div",
            { class: "field-head" },
            h("span", { id: "input-label" }, title),
            choice("What is sent", inputs, form.input, (input) => page.change({ input })),
        ),
        h(
            "label",
            { key: name, class: is_wrong(name, page) ? "is-wrong" : "" },
            area,
            note(name, about, page),
        ),
    ];
}

function form_end(form, page) {
    const copies = Number(form.copies);
    const label = copies > 1 ? `Submit ${exact(copies)}` : "Submit";
    return h(
        "div",
        { class: "form-end" },
        h(
            "button",
            { type: "submit", class: "main", disabled: page.is_busy },
            page.is_busy ? "Submitting" : label,
        ),
        h(
            "label",
            { class: "copies" },
            h("input", {
                name: "copies",
                type: "number",
                min: 1,
                max: page.copies_max,
                updated: shows(form.copies),
                oninput: keeps("copies", page),
                "aria-label": "Copies",
            }),
            "copies",
        ),
        page.fault && !page.fault.field
            ? h("span", { class: "fault", role: "alert" }, page.fault.text)
            : null,
    );
}

function field(form, page, { name, label, about, ...props }) {
    const is_faulty = is_wrong(name, page);
    return h(
        "label",
        { key: name, class: is_faulty ? "is-wrong" : "" },
        h("span", {}, label),
        h("input", {
            name,
            type: "text",
            spellcheck: "false",
            "aria-describedby": `about-${name}`,
            "aria-invalid": is_faulty ? "true" : null,
            ...props,
            updated: shows(form[name]),
            oninput: keeps(name, page),
        }),
        note(name, about, page),
    );
}

function note(name, about, page) {
    return h(
        "small",
        { id: `about-${name}`, class: "faint" },
        is_wrong(name, page) ? page.fault.text : about,
    );
}

function is_wrong(name, { fault }) {
    return fault?.field === name;
}

// The field shows what the form has, whoever put it there.
function shows(value) {
    return (element) => {
        if (element.value !== value) {
            element.value = value;
        }
    };
}

function keeps(name, { change }) {
    return (event) => change({ [name]: event.target.value });
}

function submit_on_enter(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.target.form.requestSubmit();
    }
}
