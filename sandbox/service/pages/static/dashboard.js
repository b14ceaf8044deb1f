// The dashboard: numbers every two seconds, and from two of them the rate.
"use strict";
let before = null;

async function refresh() {
  const answer = await fetch("/dashboard/numbers");
  if (!answer.ok) return;
  const numbers = await answer.json(), now = performance.now();
  for (const place of document.querySelectorAll("[data-number]")) place.textContent = numbers[place.dataset.number];
  if (before) {
    document.getElementById("rate").textContent = ((numbers.runs - before.runs) / ((now - before.now) / 1000)).toFixed(1);
  }
  before = { runs: numbers.runs, now };
}

setInterval(() => refresh().catch(() => {}), 2000);
refresh().catch(() => {});
