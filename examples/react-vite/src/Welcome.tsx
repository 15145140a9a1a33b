import type { FormEvent } from "react";
import { Field } from "./Field";
import type { Person } from "./events";

export function Welcome({ name = "", problem, onEnter }: { name?: string; problem?: string | undefined; onEnter: (name: string) => void }) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onEnter(String(new FormData(event.currentTarget).get("name")).trim());
  };
  return (
    <main className="welcome">
      <form className="card" onSubmit={submit} autoComplete="off" noValidate>
        <h1><img src="/icon.svg" alt="" width="36" height="36" /> sio board</h1>
        <p>One list of tasks for all who look at it.</p>
        <Field<Person> name="name" label="Your name" problem={problem}>
          {(props) => <input {...props} defaultValue={name} placeholder="Ada" autoFocus />}
        </Field>
        <button className="primary">Enter</button>
      </form>
    </main>
  );
}
