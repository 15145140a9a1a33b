import type { Task } from "./events";

export function TaskList({ title, tasks, disabled, mark, remove }: {
  title: string;
  tasks: Task[];
  disabled: boolean;
  mark: (task: Task, done: boolean) => void;
  remove: (task: Task) => void;
}) {
  return (
    <section className="list" aria-label={title}>
      <h2>{title} <span>{tasks.length}</span></h2>
      {tasks.length === 0 && <p className="empty">Nothing here.</p>}
      <ul>
        {tasks.map((task) => (
          <li key={task.id} className="card task">
            <label>
              <input type="checkbox" checked={task.done} disabled={disabled} onChange={(event) => mark(task, event.target.checked)} />
              <span className="title">{task.title}</span>
            </label>
            <p className="about">
              <span className={`priority ${task.priority}`}>{task.priority}</span>
              {task.estimate != null && <span>{task.estimate} h</span>}
              <span>{task.by}, <time dateTime={task.at}>{new Date(task.at).toLocaleTimeString([], { timeStyle: "short" })}</time></span>
            </p>
            <button className="remove" disabled={disabled} aria-label={`Remove ${task.title}`} onClick={() => remove(task)}>×</button>
          </li>
        ))}
      </ul>
    </section>
  );
}
