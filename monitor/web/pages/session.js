// Asks for the token where the server wants one. All requests that wait share one question.

import { post, remove } from "./api.js";
import { reconnect } from "./live.js";
import { refresh } from "./router.js";
import { h, render } from "./vdom.js";

const signed_in = "xebec-signed-in"; // the cookie itself is not for scripts to see

let pending = null; // {promise, done}
let fault = "";

export function is_token_asked() {
    return pending !== null;
}

export function is_signed_in() {
    return localStorage.getItem(signed_in) !== null;
}

export async function sign_out() {
    localStorage.removeItem(signed_in);
    await remove("/session");
    location.reload();
}

export function ask_token() {
    if (!pending) {
        pending = {};
        pending.promise = new Promise((resolve) => {
            pending.done = resolve;
        });
        draw();
    }
    return pending.promise;
}

function draw() {
    render(document.getElementById("banner"), pending ? form() : null);
    refresh();
}

function form() {
    return h(
        "form",
        {
            key: "session",
            class: "session",
            "aria-label": "Sign in",
            "data-action": "sign-in",
            onsubmit: send,
        },
        h("label", { for: "token" }, "This monitor wants a token"),
        h("input", {
            id: "token",
            name: "token",
            type: "password",
            autocomplete: "current-password",
            required: true,
            mount: (element) => element.focus(),
        }),
        h("button", { type: "submit", class: "main" }, "Go on"),
        h(
            "p",
            { role: "alert", class: fault ? "fault" : "faint" },
            fault ||
                "It is what xebec-monitor web was given with --token-file. It stays in a cookie of this browser.",
        ),
    );
}

async function send(event) {
    event.preventDefault();
    const token = event.target.elements.token.value;
    try {
        await post("/session", { token });
    } catch (error) {
        fault =
            error.status === 401 || error.status === 403 ? "That is not the token." : error.message;
        draw();
        return;
    }
    localStorage.setItem(signed_in, "yes");
    const { done } = pending;
    pending = null;
    fault = "";
    draw();
    reconnect();
    done();
}
