// A status script of the earlier kind: one JSON file, a lock beside it, a temporary file, a rename.
// `node status.js DIRECTORY status` prints the counts; `mark-complete ID` completes a task.
"use strict";
const fs = require("fs");
const path = require("path");
const lockfile = require("proper-lockfile");

const [directory, command, id] = process.argv.slice(2);
const file = path.join(directory, "status.json");
const read = () => JSON.parse(fs.readFileSync(file, "utf8"));

function summary(tasks) {
  const counts = { total: tasks.length, pending: 0, completed: 0 };
  for (const task of tasks) counts[task.status] = (counts[task.status] || 0) + 1;
  return counts;
}

async function complete() {
  const release = await lockfile.lock(file, { retries: { retries: 100, minTimeout: 10, maxTimeout: 100 } });
  try {
    const status = read();
    const task = status.tasks.find((task) => task.id === id);
    if (!task) throw new Error(`there is no task ${id}`);
    task.status = "completed";
    task.completedAt = new Date().toISOString();
    status.summary = summary(status.tasks);
    const temporary = `${file}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, JSON.stringify(status, null, 2));
    fs.renameSync(temporary, file);
  } finally {
    await release();
  }
}

if (command === "mark-complete") {
  complete().catch((error) => {
    console.error(`Error: ${error.message}`);
    process.exit(1);
  });
} else {
  console.log(JSON.stringify(summary(read().tasks)));
}
