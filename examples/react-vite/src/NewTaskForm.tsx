import { useState, type FormEvent } from "react";
import { Field } from "./Field";
import type { NewTask, Priority, Task } from "./events";
import { Refused } from "./sio";

const priorities: Priority[] = ["low", "normal", "high"];

export function NewTaskForm({ disabled, add }: { disabled: boolean; add: (task: NewTask) => Promise<Task> }) {
  const [problem, setProblem] = useState<Error | null>(null);
  const [sending, setSending] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    const estimate = values.get("estimate");
    setSending(true);
    try {
      await add({
        title: String(values.get("title")).trim(),
        priority: values.get("priority") as Priority,
        ...(estimate ? { estimate: Number(estimate) } : {}),
      });
      form.reset();
      setProblem(null);
    } catch (err) {
      setProblem(err as Error);
    } finally {
      setSending(false);
    }
  }

  // What is wrong with a field stands below it, and all else below the form.
  const fields = problem instanceof Refused ? problem.fields : {};
  const other = problem && Object.keys(fields).length === 0 ? problem.message : "";
  return (
    <form className="card new" onSubmit={submit} autoComplete="off" noValidate aria-label="New task">
      <Field<NewTask> name="title" label="Task" problem={fields.title}>
        {(props) => <input {...props} placeholder="What is to be done?" />}
      </Field>
      <Field<NewTask> name="priority" label="Priority" problem={fields.priority}>
        {(props) => (
          <select {...props} defaultValue="normal">
            {priorities.map((priority) => <option key={priority}>{priority}</option>)}
          </select>
        )}
      </Field>
      <Field<NewTask> name="estimate" label="Hours" unit="hours" problem={fields.estimate}>
        {(props) => <input {...props} type="number" placeholder="–" />}
      </Field>
      <button className="primary" disabled={disabled || sending}>Add</button>
      <p className="problem other" role="alert">{other}</p>
    </form>
  );
}
