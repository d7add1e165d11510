// Speaks to the server under /api/v1. What fails is an ApiError; who must sign in is told so once.

const base = "/api/v1";

export class ApiError extends Error {
    constructor(status, error_class, text) {
        super(text);
        this.status = status;
        this.error_class = error_class;
    }
}

let sign_in = null;

// `handler` asks for the token and answers with a promise that is kept once there is a session.
export function on_unauthorized(handler) {
    sign_in = handler;
}

async function fetch_answer(method, path, body) {
    const options = { method, headers: {}, cache: "no-store" };
    if (body !== undefined) {
        options.headers["Content-Type"] = "application/json";
        options.body = typeof body === "string" ? body : JSON.stringify(body);
    }
    let answer;
    try {
        answer = await fetch(base + path, options);
    } catch {
        throw new ApiError(0, "no_monitor", "The monitor does not answer.");
    }
    if (answer.status === 401 && sign_in && path !== "/session") {
        await sign_in();
        return fetch_answer(method, path, body);
    }
    if (!answer.ok) {
        throw await error_of(answer);
    }
    return answer;
}

async function error_of(answer) {
    try {
        const { error } = await answer.json();
        return new ApiError(answer.status, error.class, error.text);
    } catch {
        return new ApiError(
            answer.status,
            "unknown",
            `The monitor answered with status ${answer.status}.`,
        );
    }
}

async function json_of(answer) {
    const text = await answer.text();
    return text === "" ? null : JSON.parse(text);
}

export async function get(path) {
    return json_of(await fetch_answer("GET", path));
}

export async function post(path, body) {
    return json_of(await fetch_answer("POST", path, body ?? {}));
}

export async function remove(path) {
    return json_of(await fetch_answer("DELETE", path));
}

// For a body whose numbers are too large for this language: its text as it is.
export async function post_text(path, text) {
    return json_of(await fetch_answer("POST", path, text));
}

export async function patch(path, body) {
    return json_of(await fetch_answer("PATCH", path, body));
}

// The octets of a payload or result: {octets, type}, or null where there is none yet (202).
export async function get_octets(path) {
    const answer = await fetch_answer("GET", path);
    if (answer.status === 202) {
        return null;
    }
    return {
        octets: new Uint8Array(await answer.arrayBuffer()),
        type: answer.headers.get("Content-Type") ?? "",
    };
}

// "?state=dead&queue=mail" of what is set.
export function query_text(values) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(values)) {
        if (value !== null && value !== undefined && value !== "") {
            query.set(name, value);
        }
    }
    const text = query.toString();
    return text === "" ? "" : `?${text}`;
}

export function task_path(key, rest = "") {
    return `/tasks/${encodeURIComponent(key)}${rest}`;
}

// Cancels or retries all that match, in the server's steps. Tells `progress` how many it were so far.
export async function change_matching(verb, filter, progress) {
    let cursor = null;
    let changed = 0;
    do {
        const step = await post(`/tasks/${verb}`, cursor === null ? filter : { ...filter, cursor });
        changed += step.changed;
        cursor = step.cursor;
        progress(changed);
    } while (cursor !== null);
    return changed;
}
