// The playground: one program over a WebSocket, its output as it comes.
"use strict";
const at = (id) => document.getElementById(id);
const language = at("language"), source = at("source"), form = at("run");
const decoders = {};
let socket = null;

function choose() {
  const chosen = language.selectedOptions[0];
  if (!source.value || source.value === source.dataset.given) {
    source.value = source.dataset.given = chosen.dataset.source;
  }
  at("file").textContent = chosen.dataset.file;
}

function show(status, kind) {
  at("result").hidden = false;
  at("status").textContent = status;
  at("status").className = kind;
}

function bar(id, value, most, text, label) {
  at(id).max = most || 1;
  at(id).high = 0.95 * (most || 1);
  at(id).value = value || 0;
  at(text).textContent = label;
}

function add(number, bytes) {
  const place = at(number === 1 ? "stdout" : "stderr");
  if (number === 2) at("errors").hidden = false;
  if (place.textContent.length < 200000) place.append(decoders[number].decode(bytes, { stream: true }));
}

function ended(result) {
  const limits = result.limits, cpu = result.cpu_time, memory = result.memory_peak;
  const how = result.signal === null ? `exit code ${result.exit_code}` : `signal ${result.signal}`;
  show(`${result.status} (${how})`, result.status === "OK" ? "AC" : "WA");
  bar("time-bar", cpu, limits.cpu_time, "time", cpu === null ? "not measured" : `${cpu.toFixed(3)} s of ${limits.cpu_time} s`);
  bar("memory-bar", memory, limits.memory, "memory-used",
    memory === null ? "not measured" : `${(memory / 1048576).toFixed(1)} MiB of ${(limits.memory / 1048576).toFixed(0)} MiB`);
  at("enforced").hidden = false;
  at("protections").textContent = result.enforced.join(", ");
  at("limits").textContent = Object.entries(limits).filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${value}`).join(", ");
}

function refused(problem) {
  show(problem.title, "WA");
  at("errors").hidden = false;
  at("stderr").textContent = problem.compiler_output || `${problem.detail}. ${problem.hint}`;
}

function begin(event) {
  event.preventDefault();
  if (socket) return;
  for (const id of ["stdout", "stderr"]) at(id).textContent = "";
  for (const number of [1, 2]) decoders[number] = new TextDecoder();
  at("errors").hidden = at("enforced").hidden = true;
  bar("time-bar", 0, 1, "time", "");
  bar("memory-bar", 0, 1, "memory-used", "");
  show("compiling, or waiting for a slot …", "quiet");
  const file = language.selectedOptions[0].dataset.file;
  const limits = { cpu_time: Number(at("cpu").value), memory: Number(at("memory").value) * 1048576 };
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/runs/stream`);
  socket.binaryType = "arraybuffer";
  let over = false;
  socket.onopen = () => {
    const start = { language: language.value, sources: { [file]: source.value }, limits, usage: 0.2 };
    socket.send(JSON.stringify(start));
    socket.send(new TextEncoder().encode(at("stdin").value));
    socket.send(JSON.stringify({ eof: true }));
  };
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") {
      add(new Uint8Array(data)[0], new Uint8Array(data).subarray(1));
      return;
    }
    const said = JSON.parse(data);
    if (said.started) show("running …", "quiet");
    if (said.usage) {
      bar("time-bar", said.usage.cpu_time, limits.cpu_time, "time", `${(said.usage.cpu_time || 0).toFixed(2)} s`);
      bar("memory-bar", said.usage.memory, limits.memory, "memory-used", `${((said.usage.memory || 0) / 1048576).toFixed(1)} MiB`);
    }
    if (said.result) { over = true; ended(said.result); }
    if (said.problem) { over = true; refused(said.problem); }
  };
  socket.onclose = () => {
    socket = null;
    at("start").disabled = false;
    at("stop").disabled = true;
    if (!over) show("the connection was lost", "WA");
  };
  at("start").disabled = true;
  at("stop").disabled = false;
}

language.addEventListener("change", choose);
form.addEventListener("submit", begin);
at("stop").addEventListener("click", () => socket && socket.send(JSON.stringify({ kill: true })));
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
choose();
