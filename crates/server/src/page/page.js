"use strict";
// All that is shown is text of its own: no name of a field can be markup.
const at = (id) => document.getElementById(id);

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function row(...cells) {
  const made = document.createElement("tr");
  made.append(...cells.map((cell) => (cell instanceof Node ? cell : element("td", cell))));
  return made;
}

function head() {
  const key = at("key").value;
  return key ? { Authorization: `Bearer ${key}` } : {};
}

function kinds(schema) {
  return [schema.type].flat().filter((kind) => kind !== "null").join(" or ");
}

function show(contract) {
  document.title = contract.info.title;
  at("title").textContent = contract.info.title;
  at("about").textContent = `Version ${contract.info.version}. ${contract.info.description}`;
  const schema = contract.components.schemas.Row;
  at("fields").replaceChildren(...Object.entries(schema.properties).map(([name, told]) => {
    const field = { ...told.anyOf?.[0], ...told };
    const code = document.createElement("td");
    code.append(element("code", name));
    // Those of every integer are more than a script can tell.
    const bounds = ["minimum", "maximum"].filter((bound) => Math.abs(field[bound]) <= Number.MAX_SAFE_INTEGER)
      .map((bound) => `${bound} ${field[bound]}`);
    const rules = [field.format, ...bounds, field.description, field.enum && `one of ${field.enum.join(", ")}`];
    const missing = [field.type].flat().includes("null") ? "may be null" : "";
    const absent = schema.required.includes(name) ? "" : "may be left out";
    return row(code, kinds(field), [missing, absent, ...rules].filter(Boolean).join("; "));
  }));
  at("routes").replaceChildren(...Object.entries(contract.paths).flatMap(([path, methods]) =>
    Object.entries(methods).filter(([, route]) => route.summary).map(([method, route]) => {
      const code = document.createElement("td");
      code.append(element("code", `${method.toUpperCase()} ${path}`));
      return row(code, route.summary);
    })));
  const body = contract.paths["/predict"].post.requestBody.content["application/json"];
  at("body").value = JSON.stringify(body.example, null, 2);
  at("ask").disabled = false;
}

async function read() {
  const told = await fetch("openapi.json", { headers: head() });
  at("locked").hidden = told.status !== 401;
  if (told.ok) show(await told.json());
  else at("about").textContent = (await told.json()).detail;
}

async function ask() {
  const began = performance.now();
  const headers = { "Content-Type": "application/json", ...head() };
  const told = await fetch("predict", { method: "POST", headers, body: at("body").value });
  const text = await told.text();
  const took = (performance.now() - began).toFixed(1);
  // A script would round integers of so many digits.
  const shown = /(^|[^.\d])\d{16}/.test(text) ? text : JSON.stringify(JSON.parse(text), null, 2);
  at("answer").textContent = `${told.status}, ${took} ms\n${shown}`;
}

const or_say = (work, where) => () => work().catch((error) => { at(where).textContent = String(error); });
at("open").addEventListener("click", or_say(read, "about"));
at("ask").addEventListener("click", or_say(ask, "answer"));
or_say(async () => {
  await read();
  // A link to `docs#ask` shows an answer, too.
  if (location.hash === "#ask" && !at("ask").disabled) await ask();
}, "about")();
