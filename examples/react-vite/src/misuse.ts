// What the hooks do not let one write. This file is compiled, and never run: each of its lines that is
// no error any more is one.
import type { ClientToServerEvents, ServerToClientEvents } from "./events";
import { answered, useEvent, useSocket } from "./sio";

export function Misuse() {
  const { socket } = useSocket<ServerToClientEvents, ClientToServerEvents>({});

  // @ts-expect-error There is no such event.
  useEvent(socket, "task:save", () => {});
  // @ts-expect-error Clients send it, and never get it.
  useEvent(socket, "task:add", () => {});
  // @ts-expect-error A task is not a string.
  useEvent(socket, "task:saved", (task: string) => task);
  // @ts-expect-error A task has no such field.
  useEvent(socket, "task:saved", (task) => task.owner);

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
