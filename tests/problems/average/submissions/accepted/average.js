const [[n], heights] = require("fs").readFileSync(0, "utf8").split("\n").map((line) => line.split(" ").map(Number));
const average = heights.reduce((sum, height) => sum + height, 0) / n;
console.log(`${average}\n${average > 10 ? "tall" : "small"}`);
