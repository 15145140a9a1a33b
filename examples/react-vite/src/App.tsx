import { useState } from "react";
import { Board } from "./Board";
import { Welcome } from "./Welcome";

export function App() {
  const [name, setName] = useState("");
  const [visit, setVisit] = useState(0);   // 0: nobody has entered
  const enter = (name: string) => {
    setName(name);
    setVisit(visit + 1);
  };
  return visit ? <Board key={visit} name={name} onEnter={enter} /> : <Welcome onEnter={enter} />;
}
