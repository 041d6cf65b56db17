// A client made of the official SDK: lists the tools, calls each, and makes every mistake.
// node client.mjs SDK AIRBOSS: prints one JSON line for each thing that it did.
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const [sdk, airboss] = process.argv.slice(2);
const load = (path) =>
  import(pathToFileURL(join(sdk, "node_modules/@modelcontextprotocol/sdk/dist/esm", path)));
const { Client } = await load("client/index.js");
const { StdioClientTransport } = await load("client/stdio.js");

const tell = (what, told) => console.log(JSON.stringify([what, told]));

// The SDK gives a server only a few variables unless it is told of others.
async function connect(variables) {
  const client = new Client({ name: "conformance", version: "1" });
  const env = { ...process.env, ...variables };
  await client.connect(new StdioClientTransport({ command: airboss, args: ["mcp"], env }));
  return client;
}

async function call(client, name, args) {
  try {
    const result = await client.callTool({ name, arguments: args }, undefined, { timeout: 20000 });
    const text = result.content[0].text;
    return result.isError ? `refused: ${text}` : text;
  } catch (error) {
    return `error ${error.code}: ${error.message}`;
  }
}

const own = await connect({});
tell("server", own.getServerVersion());
const { tools } = await own.listTools();
tell("tools", tools.map((tool) => tool.name));
const right = {
  next: {},
  task: { step: "1.1" },
  progress: { text: "half way" },
  note: { text: "a note" },
  finding: { text: "a finding" },
  phase_started: { phase: "1" },
  phase_done: { phase: "1" },
  artifact_ready: { path: "out/1-1.txt" },
  ask: { question: "Which width?" },
};
for (const { name } of tools) {
  const told = await call(own, name, right[name]);
  tell(name, told.startsWith("{") ? Object.keys(JSON.parse(told)) : told);
}
tell("a wrong type", await call(own, "note", { text: 5 }));
tell("nothing", await call(own, "note", {}));
tell("too much", await call(own, "note", { text: "x", status: "completed" }));
tell("no such tool", await call(own, "mark_complete", { step: "1.1" }));
tell("a long text", await call(own, "note", { text: "x".repeat(65537) }));
tell("a long line", await call(own, "note", { text: "x".repeat(2 ** 20) }));
tell("afterwards", await call(own, "note", { text: "still there" }));
await own.ping();
await own.close();

for (const token of ["", "0".repeat(64), process.env.OTHER_TOKEN]) {
  const thief = await connect({ AIRBOSS_TOKEN: token });
  tell("a wrong token", await call(thief, "note", { text: "x" }));
  tell("reading with it", (await call(thief, "next", {})).slice(0, 9));
  await thief.close();
}
