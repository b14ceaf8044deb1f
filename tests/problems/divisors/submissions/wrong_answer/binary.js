const n = BigInt(require("fs").readFileSync(0, "utf8").trim());
console.log(n.toString(2).split("1").length + 100000);
