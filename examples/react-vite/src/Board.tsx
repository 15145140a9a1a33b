import { useState } from "react";
import { io } from "socket.io-client";
import { NewTaskForm } from "./NewTaskForm";
import { TaskList } from "./TaskList";
import { Welcome } from "./Welcome";
import type { Connect, Task } from "./events";
import { answered, useEvent, useSocket } from "./sio";

const connect = io as Connect;   // it knows the events

/** A Board is what somebody sees who has entered. If the server doesn't let them in, they may try another name. */
export function Board({ name, onEnter }: { name: string; onEnter: (name: string) => void }) {
  const { socket, connection } = useSocket((options) => connect("/", { ...options, auth: { name } }));
  const [tasks, setTasks] = useState<Task[] | null>(null);
  const [people, setPeople] = useState<string[]>([]);
  const [problem, setProblem] = useState("");

  useEvent(socket, "board", (tasks) => setTasks(tasks ?? []));
  useEvent(socket, "people", (people) => setPeople(people ?? []));
  useEvent(socket, "task:saved", (task) => {
    setTasks((tasks) => [...(tasks ?? []).filter(({ id }) => id !== task.id), task].sort((a, b) => a.id - b.id));
  });
  useEvent(socket, "task:removed", (id) => setTasks((tasks) => tasks && tasks.filter((task) => task.id !== id)));

  // ask says it if the server doesn't do what it is asked for.
  async function ask(answer: Promise<unknown>) {
    try {
      await answered(answer);
      setProblem("");
    } catch (err) {
      setProblem((err as Error).message);
    }
  }
  const mark = ({ id }: Task, done: boolean) => ask(socket.emitWithAck("task:mark", { id, done }));
  const remove = ({ id }: Task) => ask(socket.emitWithAck("task:remove", id));

  if (connection.status === "closed") {
    return <Welcome name={name} error={connection.error} onEnter={onEnter} />;
  }
  const away = connection.status !== "connected";
  return (
    <>
      <header className="top">
        <strong><img src="/icon.svg" alt="" width="24" height="24" /> sio board</strong>
        <ul className="people" aria-label="Here">
          {people.map((name, i) => <li key={i} title={name}><Avatar name={name} /></li>)}
        </ul>
        <span className={`status ${connection.status}`} role="status">
          <i />{away ? (tasks ? "reconnecting…" : "connecting…") : "connected"}
        </span>
      </header>
      <main className="board" aria-busy={away}>
        <NewTaskForm disabled={away} add={(task) => answered(socket.emitWithAck("task:add", task))} />
        <p className="problem" role="alert">{problem}</p>
        {tasks && (
          <div className="lists">
            <TaskList title="To do" tasks={tasks.filter((task) => !task.done)} disabled={away} mark={mark} remove={remove} />
            <TaskList title="Done" tasks={tasks.filter((task) => task.done)} disabled={away} mark={mark} remove={remove} />
          </div>
        )}
      </main>
    </>
  );
}

function Avatar({ name }: { name: string }) {
  const hue = Array.from(name).reduce((hue, c) => (hue * 31 + (c.codePointAt(0) ?? 0)) % 360, 0);
  return <span className="avatar" style={{ background: `hsl(${hue} 45% 38%)` }}>{Array.from(name)[0]?.toUpperCase()}</span>;
}
