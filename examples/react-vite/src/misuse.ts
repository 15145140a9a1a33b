// What does not compile, with the types of the server. This file is checked, and is no part of the page: where
// something compiles after all, that is an error.
import { io } from "socket.io-client";
import type { Connect } from "./events";
import { answered, useEvent, useSocket } from "./sio";

export function Misuse() {
  const connect = io as Connect;
  const { socket } = useSocket((options) => connect("/", { ...options, auth: { name: "Ada" } }));
  // @ts-expect-error There is no such namespace.
  useSocket((options) => connect("/board", options));
  // @ts-expect-error It has to have a name.
  useSocket((options) => connect("/", { ...options, auth: {} }));
  // @ts-expect-error A name is a string.
  useSocket((options) => connect("/", { ...options, auth: (send) => send({ name: 1 }) }));

  // @ts-expect-error There is no such event.
  useEvent(socket, "task:save", () => {});
  // @ts-expect-error Clients send it, and never get it.
  useEvent(socket, "task:add", () => {});
  // @ts-expect-error A task is not a string.
  useEvent(socket, "task:saved", (task: string) => task);
  // @ts-expect-error A task has no such field.
  useEvent(socket, "task:saved", (task) => task.missing);

  // @ts-expect-error There is no such event.
  socket.emit("task:delete", 1);
  // @ts-expect-error It is the id that is wanted.
  socket.emitWithAck("task:remove", "1");
  // @ts-expect-error It has to have a title.
  socket.emitWithAck("task:add", { priority: "low" });
  // @ts-expect-error There is no such priority.
  socket.emitWithAck("task:add", { title: "Rest", priority: "urgent" });

  return async () => {
    // @ts-expect-error It may be a failure.
    (await socket.emitWithAck("task:mark", { id: 1, done: true })).title;
    const task = await answered(socket.emitWithAck("task:mark", { id: 1, done: true }));
    // @ts-expect-error A title is a string.
    task.title = 1;
  };
}
