// Types whose names mean something else in TypeScript.
import { io } from "socket.io-client";
import type { Connect, Commented, OddMood } from "./odd.js";

const connect = io as Connect;
const odd = connect("/odd");

// What is generated, and what is global, is what it was.
odd.emit("10", { Is: new Blob([]) }, (blob) => { if ("Is" in blob) blob.Is?.byteLength; });
odd.emit("6", { Is: new ArrayBuffer(1) }, (buffer) => { if ("Is" in buffer) buffer.Is?.byteLength; });
odd.emit("11", { Is: new Date().toISOString() }, (date) => { if ("Is" in date) date.Is.length; });
odd.emit("13", { Is: "x" }, (answer) => { if ("error" in answer) answer.error.message.length; });
odd.emit("20", { Is: true }, () => {});
odd.emit("list", [[], [[], null]], () => {});
odd.emit("dict", { a: { b: {} }, c: null }, () => {});
odd.emit("deep", { Next: { Next: null } }, () => {});
odd.emit("box of an unnamed struct", { In: { A: 1, B: 2 } }, () => {});

// Constants of all sorts.
const moods: OddMood[] = ["it's", "\"quoted\" \\ */", "two\nlines\u2028", "`${x}`", "🦀", ""];
odd.emit("moods", { "it's": "glad" }, () => {});
odd.emit("offsets", [-1, null], () => {});
const commented: Commented = { field: "f", beside: "", old: 0.25, far: null };
odd.on("commented", (got, ack) => ack([got, commented][1] ?? got));

// Namespaces of all sorts.
for (const mood of moods) connect("/a-b").emit("mood", mood, () => {});
connect("/a_b").emit("mood", "", () => {});
connect("/日本").emit("mood", "", () => {});
connect("/a b").emit("mood", "", () => {});
connect("/it's").emit("mood", "", () => {});
connect("/`$7`").emit("mood", "", () => {});
connect("/odd/a/b").emit("mood", "", () => {});
connect("/x7z").emit("mood", "", () => {});
