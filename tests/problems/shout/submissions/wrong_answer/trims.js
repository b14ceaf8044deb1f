for (const line of require("fs").readFileSync(0, "utf8").trimEnd().split("\n")) console.log(line.trimEnd().toUpperCase());
