// Describes the page as plain values and makes the document match them. Text only ever becomes
// text nodes: there is no way to put markup in.

const svg_namespace = "http://www.w3.org/2000/svg";
const svg_tags = new Set([
    "svg",
    "g",
    "path",
    "rect",
    "line",
    "circle",
    "polyline",
    "pattern",
    "defs",
    "clipPath",
    "use",
]);

// A node: `h("a", {href: "/tasks"}, "Tasks")`. Properties are attributes, except: `on…` handlers,
// `key` (which of its siblings it is), `style` (an object), `value`, `checked` and `disabled`
// (set as properties), `mount`, `updated` and `unmount` (called with the element), and `opaque` (the
// children belong to whoever mounted it). Null and false children are left out.
export function h(tag, props, ...children) {
    return { tag, props: props ?? {}, children: flat(children), key: props?.key };
}

function flat(children) {
    const nodes = [];
    for (const child of children.flat(Infinity)) {
        if (child === null || child === undefined || child === false || child === "") {
            continue;
        }
        nodes.push(typeof child === "object" ? child : { text: String(child) });
    }
    return nodes;
}

let depth = 0;
let told = []; // what `mount` and `updated` are still to be called for

// Makes the children of `parent` what `children` says, keeping every element that is still meant.
// Once all of it stands in the document, `mount` and `updated` are called. What has the focus
// keeps it, also where it takes another place.
export function render(parent, ...children) {
    const focused = depth === 0 ? document.activeElement : null;
    ++depth;
    try {
        match(parent, children);
    } finally {
        --depth;
    }
    if (depth > 0) {
        return;
    }
    if (focused?.isConnected && document.activeElement === document.body) {
        focused.focus({ preventScroll: true });
    }
    const calls = told;
    told = [];
    for (const call of calls) {
        call();
    }
}

function match(parent, children) {
    const before = parent.$nodes ?? [];
    const after = flat(children);
    const keyed = new Map();
    const loose = [];
    for (const node of before) {
        if (node.key !== undefined) {
            keyed.set(node.key, node);
        } else {
            loose.push(node);
        }
    }

    let place = parent.firstChild;
    let next_loose = 0;
    for (const node of after) {
        const known = node.key !== undefined ? keyed.get(node.key) : take_loose(node);
        keyed.delete(node.key); // two of one key are two elements
        if (known && known.tag === node.tag) {
            node.element = known.element;
            known.is_kept = true;
            update(node, known);
        } else {
            node.element = create(node);
        }
        if (node.element === place) {
            place = place.nextSibling;
        } else {
            parent.insertBefore(node.element, place);
        }
        tell(node, !known || known.tag !== node.tag);
    }
    for (const node of before) {
        if (!node.is_kept) {
            unmount(node);
            node.element.remove();
        }
    }
    parent.$nodes = after;

    // The first one of the same tag that was not passed over: siblings without keys keep their order.
    function take_loose(node) {
        for (let i = next_loose; i < loose.length; ++i) {
            if (loose[i].tag === node.tag) {
                next_loose = i + 1;
                return loose[i];
            }
        }
        return null;
    }
}

function tell({ props, element }, is_new) {
    if (is_new && props?.mount) {
        told.push(() => props.mount(element));
    }
    if (props?.updated) {
        told.push(() => props.updated(element));
    }
}

function create(node) {
    if (node.tag === undefined) {
        return document.createTextNode(node.text);
    }
    const element = svg_tags.has(node.tag)
        ? document.createElementNS(svg_namespace, node.tag)
        : document.createElement(node.tag);
    if (!node.props.opaque) {
        render(element, node.children);
    }
    set_props(element, {}, node.props); // after the children: a select's value needs its options
    return element;
}

function update(node, known) {
    if (node.tag === undefined) {
        if (node.text !== known.text) {
            node.element.data = node.text;
        }
        return;
    }
    if (!node.props.opaque) {
        render(node.element, node.children);
    }
    set_props(node.element, known.props, node.props);
}

function unmount(node) {
    node.props?.unmount?.(node.element);
    for (const child of node.element.$nodes ?? []) {
        unmount(child);
    }
}

const not_attributes = new Set(["key", "mount", "updated", "unmount", "opaque"]);

function set_props(element, before, after) {
    for (const name of Object.keys(before)) {
        if (!(name in after)) {
            set_prop(element, name, before[name], null);
        }
    }
    for (const [name, value] of Object.entries(after)) {
        set_prop(element, name, before[name], value);
    }
}

function set_prop(element, name, before, value) {
    if (not_attributes.has(name)) {
        return;
    }
    if (name.startsWith("on")) {
        element[name] = value;
    } else if (name === "style") {
        set_style(element, before ?? {}, value ?? {});
    } else if (value === before) {
        return; // and what the user typed since stays
    } else if (name === "value" || name === "checked" || name === "disabled") {
        element[name] = value ?? (name === "value" ? "" : false);
    } else if (value === null || value === undefined || value === false) {
        element.removeAttribute(name);
    } else {
        element.setAttribute(name, value === true ? "" : String(value));
    }
}

function set_style(element, before, after) {
    for (const name of Object.keys(before)) {
        if (!(name in after)) {
            element.style.removeProperty(name);
        }
    }
    for (const [name, value] of Object.entries(after)) {
        if (before[name] !== value) {
            element.style.setProperty(name, String(value));
        }
    }
}
