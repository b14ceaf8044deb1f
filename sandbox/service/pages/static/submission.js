// A submission that is being judged: each test as it ends, then the page with the report.
"use strict";
const at = (id) => document.getElementById(id);
const events = new EventSource(`/v1/submissions/${at("id").textContent}/events`);

function tell(name, text) {
  events.addEventListener(name, (event) => { at("now").textContent = text(JSON.parse(event.data)); });
}

tell("queued", () => "waiting for a slot");
tell("compiling", () => "compiling");
tell("retry", (data) => `the sandbox failed; again in ${data.seconds} s`);
events.addEventListener("test", (event) => {
  const test = JSON.parse(event.data);
  at("progress").max = test.of;
  at("progress").value = test.number;
  at("now").textContent = `test ${test.number} of ${test.of}`;
  const item = document.createElement("li"), verdict = document.createElement("span");
  verdict.textContent = test.verdict;
  verdict.className = test.verdict;
  item.append(`${test.name} `, verdict);
  at("live").append(item);
});
for (const name of ["done", "cancelled"]) {
  events.addEventListener(name, () => { events.close(); location.reload(); });
}
