import type { FormEvent } from "react";
import { Field } from "./Field";
import type { Auth } from "./events";
import { fieldsOf } from "./sio";

/** Welcome asks for a name. If there has been one, the error tells why the server doesn't let it in. */
export function Welcome({ name = "", error = null, onEnter }: { name?: string; error?: Error | null; onEnter: (name: string) => void }) {
  const fields = fieldsOf((error as { data?: unknown } | null)?.data);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onEnter(String(new FormData(event.currentTarget).get("name")).trim());
  };
  return (
    <main className="welcome">
      <form className="card" onSubmit={submit} autoComplete="off" noValidate>
        <h1><img src="/icon.svg" alt="" width="36" height="36" /> sio board</h1>
        <p>One list of tasks for all who look at it.</p>
        <Field<Auth> name="name" label="Your name" problem={fields.name}>
          {(props) => <input {...props} defaultValue={name} placeholder="Ada" autoFocus />}
        </Field>
        <p className="problem" role="alert">{!fields.name && error?.message}</p>
        <button className="primary">Enter</button>
      </form>
    </main>
  );
}
