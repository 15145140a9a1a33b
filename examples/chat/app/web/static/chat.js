// The page of the chat example, on the official Socket.IO client (the global `io`). static/chat.js is
// made of chat.ts, and events.d.ts of the server's types, which has what it and the page send each
// other: both by make generate.
const ackTimeout = 5000; // ms until an unanswered message counts as not sent
const typingRepeat = 2000; // ms between two typing signals of one user
const typingExpires = 4000; // ms after which a typing signal is forgotten; a lost "off" does no harm
const maxEntries = 500; // kept per room, the oldest go first
// $ returns an element that index.html has.
function $(selector, within = document) {
    const found = within.querySelector(selector);
    if (!found)
        throw new Error(`the page has no ${selector}`);
    return found;
}
const el = (tag, className = "", text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
const input = {
    name: $("#enter [name=name]"),
    firstRoom: $("#enter [name=room]"),
    room: $("#join [name=room]"),
    text: $("#send [name=text]"),
};
const enterButton = $("#enter button");
const rooms = new Map(); // by name, in the order of joining; they outlive the connection
let current = null; // the room on show
let name = "";
let lost = false; // the connection was there, and is gone
let bannerTimer;
if (typeof io === "undefined") {
    $("#enter .error").textContent =
        "The Socket.IO client could not be loaded. Run “npm ci” in examples/chat, or allow cdn.socket.io.";
    enterButton.disabled = true;
    throw new Error("no Socket.IO client");
}
// ---- connection ----
const connect = io; // it knows the events
const socket = connect("/", {
    autoConnect: false,
    ackTimeout, // not timeout() at each emitWithAck, which forgets the type of the answer
    auth: (send) => send({ name }), // asked for at each connect: the name survives a reconnect
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
});
class Refused extends Error {
}
// answered resolves to the answer of the server, and throws Refused if that is no.
async function answered(answer) {
    const got = await answer;
    if ("error" in got)
        throw new Refused(got.error.message);
    return got;
}
socket.on("connect", () => {
    showTransport();
    $("#welcome").hidden = true;
    $("#chat").hidden = false;
    $("#me").textContent = name;
    if (lost)
        banner("ok", "Reconnected", 4000);
    for (const room of rooms.values())
        rejoin(room, lost);
    if (rooms.size === 0)
        join(input.firstRoom.value);
    lost = false;
});
socket.on("disconnect", (reason) => {
    lost = true;
    setStatus("lost", "disconnected");
    if (socket.active)
        banner("lost", "Connection lost – reconnecting…");
    else
        banner("lost", `Disconnected (${reason})`, 0, true); // the server's own wish: no automatic way back
    for (const room of rooms.values()) {
        addNote(room, "Connection lost");
        setMembers(room, null);
    }
});
socket.on("connect_error", (err) => {
    if (!$("#welcome").hidden) {
        $("#enter .error").textContent = socket.active ? "The server cannot be reached, trying again…" : err.message;
        enterButton.disabled = socket.active;
    }
    else if (!socket.active) {
        banner("lost", `Refused: ${err.message}`, 0, true);
    }
});
socket.io.on("reconnect_attempt", (n) => {
    if (lost)
        banner("lost", `Connection lost – reconnecting (attempt ${n})…`);
});
socket.io.on("open", () => socket.io.engine.on("upgrade", showTransport));
function showTransport() {
    if (socket.connected)
        setStatus("ok", `connected · ${socket.io.engine.transport.name}`);
}
function setStatus(state, text) {
    $("#status").dataset.state = state;
    $("#status span").textContent = text;
}
function banner(state, text, hideAfter = 0, withButton = false) {
    const box = $("#banner");
    clearTimeout(bannerTimer);
    box.dataset.state = state;
    $("span", box).textContent = text;
    $("button", box).hidden = !withButton;
    box.hidden = false;
    if (hideAfter)
        bannerTimer = setTimeout(() => (box.hidden = true), hideAfter);
}
// ---- rooms ----
async function join(roomName) {
    $("#sidebar .error").textContent = "";
    const name = roomName.trim();
    const known = rooms.get(name);
    const room = known ?? add(name); // the list of its members may come before the answer
    try {
        await answered(socket.emitWithAck("room:join", name));
        show(room);
        return true;
    }
    catch (err) {
        if (!known)
            drop(room);
        $("#sidebar .error").textContent = err instanceof Refused ? err.message : "No answer, please try again.";
        return false;
    }
}
function add(name) {
    const log = el("ol", "log");
    log.role = "log";
    log.ariaLive = "polite";
    log.ariaLabel = `Messages in ${name}`;
    log.tabIndex = 0;
    log.hidden = true;
    $("#messages").append(log);
    const room = { name, log, entries: new Map(), members: null, typing: new Map(), unread: 0 };
    rooms.set(name, room);
    return room;
}
function drop(room) {
    rooms.delete(room.name);
    room.log.remove();
}
// rejoin takes the place in a room again. If the server has kept it, what was said meanwhile has
// come already.
async function rejoin(room, afterLoss) {
    try {
        await answered(socket.emitWithAck("room:join", room.name));
        if (afterLoss)
            addNote(room, socket.recovered ? "Reconnected" : "Reconnected. What was said meanwhile is not shown.");
    }
    catch (err) {
        if (socket.connected)
            addNote(room, `Could not join again: ${err.message}`);
    }
}
async function leave(room) {
    try {
        await answered(socket.emitWithAck("room:leave", room.name));
    }
    catch {
        return; // still a member; a lost connection is on show already
    }
    drop(room);
    show(rooms.values().next().value ?? null);
}
function show(room) {
    current = room;
    for (const r of rooms.values())
        r.log.hidden = r !== room;
    $("#title").textContent = room ? `# ${room.name}` : "No room";
    $("#chat").classList.toggle("empty", !room);
    if (room) {
        room.unread = 0;
        room.log.scrollTop = room.log.scrollHeight;
        input.text.focus();
    }
    drawRooms();
    drawMembers();
    drawTyping();
}
function drawRooms() {
    let unread = 0;
    $("#rooms").replaceChildren(...[...rooms.values()].map((room) => {
        const button = el("button", "room", `# ${room.name}`);
        button.type = "button";
        if (room === current)
            button.ariaCurrent = "true";
        if (room.unread) {
            const badge = el("span", "badge", String(room.unread));
            badge.ariaLabel = `${room.unread} unread`;
            button.append(badge);
        }
        unread += room.unread;
        button.onclick = () => show(room);
        const item = el("li");
        item.append(button);
        return item;
    }));
    document.title = unread ? `(${unread}) sio chat` : "sio chat";
}
// ---- who is online ----
socket.on("presence", ({ room: key, members, joined = [], updated = [], left = [] }) => {
    const room = rooms.get(key.slice("room:".length));
    if (!room)
        return;
    const now = new Map((members ?? []).map((m) => [m.key, m.value]));
    if (!members) {
        if (!room.members)
            return; // the list is yet to come
        for (const [id, value] of room.members)
            now.set(id, value);
        // Whose server has died is there again, with another id, before the others know that it has.
        const here = (m) => [...now.values()].some((other) => other.name === m.value.name);
        for (const m of joined)
            if (!here(m))
                addNote(room, `${m.value.name} joined`);
        for (const m of [...joined, ...updated])
            now.set(m.key, m.value);
        for (const m of left)
            now.delete(m.key);
        for (const m of left)
            if (!here(m))
                addNote(room, `${m.value.name} left`);
    }
    setMembers(room, now);
});
// setMembers shows who is in a room, or that it is not known.
function setMembers(room, members) {
    room.members = members;
    for (const id of room.typing.keys())
        if (!members?.has(id))
            setTyping(room, id, null);
    if (room === current)
        drawMembers();
}
function drawMembers() {
    const members = [...(current?.members?.values() ?? [])].sort((a, b) => a.name.localeCompare(b.name));
    $("#count").textContent = members.length ? String(members.length) : "";
    $("#members").replaceChildren(...members.map((m) => {
        const item = el("li", "", m.id === socket.id ? `${m.name} (you)` : m.name);
        item.prepend(avatar(m.name));
        if (m.server)
            item.append(Object.assign(el("small", "", m.server), { title: `on server ${m.server}` }));
        return item;
    }));
}
// ---- messages ----
socket.on("message:new", (message) => {
    const room = rooms.get(message.room);
    // A retry may repeat what had arrived already: the sender's id for it tells.
    if (!room || room.entries.has(message.id))
        return;
    setTyping(room, message.from.id, null);
    addMessage(room, message);
    if (room === current && !document.hidden)
        return;
    room.unread++;
    drawRooms();
});
function send(room, text) {
    const id = Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("-");
    const post = { id, room: room.name, text };
    const item = addMessage(room, { ...post, from: { id: socket.id ?? "", name }, at: new Date().toISOString() }, true);
    deliver(room, item, post);
}
// deliver emits a post and shows on its item how it fares: sending, then delivered, or failed
// with a way to try again.
async function deliver(room, item, post) {
    const state = $(".state", item);
    const set = (value, ...content) => keepEnd(room.log, () => {
        item.dataset.state = value;
        state.replaceChildren(...content);
    });
    const retry = el("button", "retry", "Retry");
    retry.type = "button";
    retry.onclick = () => deliver(room, item, post);
    if (!socket.connected)
        return set("failed", "Not sent ", retry); // the client would queue it without telling
    set("sending", "sending…");
    try {
        await answered(socket.emitWithAck("message", post));
        set("delivered", "✓");
        state.title = "delivered";
        state.ariaLabel = "delivered";
    }
    catch (err) {
        if (err instanceof Refused)
            set("failed", `Not sent: ${err.message}`);
        else
            set("failed", "Not sent ", retry);
    }
}
function addMessage(room, { id, from, text, at }, own = false) {
    const item = el("li", own ? "message own" : "message");
    const head = el("div", "head");
    const time = el("time", "", new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    time.dateTime = new Date(at).toISOString();
    head.append(el("b", "", from.name), time);
    const last = room.log.lastElementChild;
    if (last?.dataset.from === from.id)
        item.classList.add("more");
    item.dataset.from = from.id;
    const body = el("div", "body");
    body.append(head, el("div", "text", text), el("div", "state"));
    item.append(avatar(from.name), body);
    room.entries.set(id, item);
    append(room, item);
    if (own)
        room.log.scrollTop = room.log.scrollHeight;
    return item;
}
function addNote(room, text) {
    append(room, el("li", "note", text));
}
// keepEnd makes a change that may lengthen a log, which follows its end unless the reader has
// scrolled up.
function keepEnd(log, change) {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    change();
    if (atEnd)
        log.scrollTop = log.scrollHeight;
}
function append({ log, entries }, item) {
    keepEnd(log, () => log.append(item));
    while (log.childElementCount > maxEntries) {
        const oldest = entries.entries().next().value;
        if (oldest?.[1] === log.firstElementChild)
            entries.delete(oldest[0]); // else it is a note
        log.firstElementChild?.remove();
    }
}
function avatar(of) {
    const box = el("span", "avatar", ([...of][0] ?? "?").toUpperCase());
    let hue = 0;
    for (const c of of)
        hue = (hue * 31 + (c.codePointAt(0) ?? 0)) % 360;
    box.style.setProperty("--hue", String(hue));
    box.ariaHidden = "true";
    return box;
}
// ---- typing ----
const typing = { room: null, sent: 0, timer: 0 }; // what the others were told of this user
// tellTyping is volatile: worth nothing later, so it is dropped while the connection is busy or gone.
function tellTyping(on) {
    clearTimeout(typing.timer);
    if (typing.room && (!on || typing.room !== current)) {
        socket.volatile.emit("typing", { room: typing.room.name, on: false });
        typing.room = null;
    }
    if (!on || !current)
        return;
    if (typing.room !== current || Date.now() - typing.sent > typingRepeat) {
        socket.volatile.emit("typing", { room: current.name, on: true });
        typing.room = current;
        typing.sent = Date.now();
    }
    typing.timer = setTimeout(tellTyping, typingExpires, false);
}
socket.on("typing", ({ room: roomName, from, on }) => {
    const room = rooms.get(roomName);
    if (room)
        setTyping(room, from.id, on ? from.name : null);
});
// setTyping shows that somebody types, or does not: then the name is null.
function setTyping(room, id, name) {
    clearTimeout(room.typing.get(id)?.timer);
    if (name === null)
        room.typing.delete(id);
    else
        room.typing.set(id, { name, timer: setTimeout(setTyping, typingExpires, room, id, null) });
    if (room === current)
        drawTyping();
}
function drawTyping() {
    const names = [...(current?.typing.values() ?? [])].map((t) => t.name);
    $("#typing").textContent =
        names.length === 0 ? "" :
            names.length === 1 ? `${names[0]} is typing…` :
                names.length === 2 ? `${names[0]} and ${names[1]} are typing…` : "Several people are typing…";
}
// ---- input ----
$("#enter").onsubmit = (event) => {
    event.preventDefault();
    name = input.name.value.trim();
    $("#enter .error").textContent = "";
    enterButton.disabled = true;
    socket.connect();
};
$("#join").onsubmit = async (event) => {
    event.preventDefault();
    if (await join(input.room.value))
        input.room.value = "";
};
$("#leave").onclick = () => current && leave(current);
$("#banner button").onclick = () => {
    $("#banner").hidden = true;
    socket.connect();
};
$("#send").onsubmit = (event) => {
    event.preventDefault();
    if (!current || input.text.value.trim() === "")
        return;
    tellTyping(false);
    send(current, input.text.value.trim());
    input.text.value = "";
    input.text.focus();
};
input.text.oninput = () => tellTyping(input.text.value !== "");
input.text.onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing)
        return;
    event.preventDefault();
    $("#send").requestSubmit();
};
document.onvisibilitychange = () => {
    if (document.hidden || !current?.unread)
        return;
    current.unread = 0;
    drawRooms();
};
// A link such as /#design proposes a room.
if (location.hash.length > 1)
    input.firstRoom.value = decodeURIComponent(location.hash.slice(1));
export {};
