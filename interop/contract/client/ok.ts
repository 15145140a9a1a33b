// Every form that a contract has, as an application uses it.
import { io } from "socket.io-client";
import { admin, gate, loose, refusal, root, tenant } from "./sockets.js";
import type { Connect, Files, Item, Mood, NamespaceName, Order, Receipt, SocketOf, Tree } from "./events.js";

const item: Item = { name: "lamp", price: 9.5 };
const order: Order = { id: 7, title: "lamp", state: "open", items: [item, { ...item, count: 2 }], gift: null };

// Arguments.
root.emit("ping me");
root.emit("mood", "angry");
root.emit("ranks", [1, 2, 3]);
root.emit("ranks", null);
root.emit("say", "hello");
root.emit("maybe", null);
root.emit("maybe", "something");
root.emit("upload", new ArrayBuffer(8));
root.emit("upload", new Uint8Array(8));
root.emit("upload", null);
root.emit("price", "12.50 EUR");
root.emit("files", {
  one: new ArrayBuffer(1), many: [new Uint8Array(1), null], named: { a: new ArrayBuffer(1) },
  ptr: null, blob: "AAE=", sum: [1, 2, 3, 4], any: { deep: [1, new ArrayBuffer(1)] },
});
root.emit("optional", {
  plain: "p", pointer: null, emptyItem: item, list: null, fixed: [1, 2], any: undefined, deep: 5,
});

// Answers, and failures in their place.
root.emit("order", order, (answer) => {
  if ("error" in answer) {
    const text: string = answer.error.message;
    const item: string | undefined = answer.error.data?.item;
    return [text, item];
  }
  const receipt: Receipt = answer;
  const total: number = answer.total;
  const due: Date = new Date(answer.due);
  const pdf: ArrayBuffer | null = answer.pdf;
  return [receipt, total, due, pdf];
});
const answer = await root.emitWithAck("order", { ...order, gift: { paper: "blue" }, note: "quick", tags: ["a"] });
if (!("error" in answer)) {
  const total: number = answer.total;
  console.log(total);
}
root.timeout(1000).emit("order", order, (err, answer) => {
  if (err) return;
  if (!("error" in answer)) console.log(answer.total.toFixed(2));
});
const any: unknown = await root.timeout(1000).emitWithAck("order", order);
root.emit("now", (answer) => {
  if (typeof answer === "object" && "error" in answer) console.log(answer.error.data?.code);
});
const count = await root.emitWithAck("count", "x");
if (typeof count === "number") console.log(count.toFixed(), any);
else console.log(count.error.message);
const page = await root.emitWithAck("find", { key: "k", value: "glad" });
if (!("error" in page)) for (const found of page.items ?? []) console.log(found.name, page.next?.toFixed());
const tree: Tree = { name: "root", children: [{ name: "leaf", parent: null }], parent: { tree: { name: "up", parent: null } } };
root.emit("tree", tree, (answer) => {
  if (answer !== null && !("error" in answer)) console.log(answer.children?.[0]?.name, answer.parent?.tree?.name);
});
root.emit("raw", 1, "two", { three: 3 });

// Names that are no identifiers.
root.emit("with space", 1);
root.emit("quo\"ted", 1);
root.emit("it's", 1);
root.emit("back\\slash", 1);
root.emit("new\nline", 1);
root.emit("7", 1);
root.emit("class", 1);
root.emit("日本", 1);
root.emit("🦀", 1);
root.emit("", 1);
root.on("${x}", (n) => n.toFixed());
root.on("__proto__", (n) => n.toFixed());
root.on("constructor", (n) => n.toFixed());

// Events of the server.
root.on("hello", () => {});
const said = (text: string) => { console.log(text.length); };
root.on("said", said);
root.once("said", (text) => { console.log(text.toUpperCase()); });
root.off("said", said);
root.off("said");
root.off();
root.on("mood", (mood) => {
  const faces: Record<Mood, string> = { glad: ":)", sad: ":(", angry: ">:(" };
  return faces[mood];
});
root.on("download", (data) => data?.byteLength);
root.on("files", (files: Files) => [files.one?.byteLength, files.sum[3].toFixed(), files.blob?.length, files.maybe?.byteLength]);
root.on("tree", (tree) => tree?.name);
root.on("special", (s) => [s.time.length, s.took.toFixed(), s.color.length, s.price.length, s.addr.length]);
root.on("receipt", (r) => r.total.toFixed());
root.on("question", (text, ack) => ack({ key: text, value: 3 }));
root.on("alive", (ack) => ack(true));
root.on("sign", (item, ack) => ack(new TextEncoder().encode(item.name)));
root.on("anything", (...args) => console.log(args.length));
root.onAny((event: string, ...args: unknown[]) => console.log(event, args));
root.on("connect", () => {});
root.on("disconnect", (reason) => reason.length);

// Namespaces of their own.
const a = admin({ token: "good", since: 2 });
admin({ token: "good" }).on("users", (n) => n.toFixed());
a.emit("ban", "x");
refusal(a, (data) => [data?.retry, data?.hint?.length]);
const t = tenant("acme");
t.emit("say", 7);
t.on("said", (n) => n.toFixed());
t.emit("where", (where) => where);
const where = await t.emitWithAck("where");
if (typeof where === "string") console.log(where);
gate();
gate({ seat: 7 }).emit("same", item, (answer) => { if (!("error" in answer)) console.log(answer.name); });
loose.emit("known", "x", (answer) => answer);
loose.emit("raw", 1, 2, 3);

// By the names of namespaces.
const connect = io as Connect;
const chosen: SocketOf<`/tenant-${string}`> = connect("/tenant-acme");
connect("/tenant-acme").emit("say", 7);
connect("/").emit("say", "hello");
connect("/gate");
connect("/gate", { auth: { seat: 1 }, transports: ["websocket"] });
connect("/admin", { auth: { token: "t" } }).on("users", (n) => n.toFixed());
connect("/admin", { auth: (send) => send({ token: "t" }) });
const hook = <N extends NamespaceName>(name: N, socket: SocketOf<N>) => [name, socket];
hook<`/tenant-${string}`>("/tenant-acme", chosen);
