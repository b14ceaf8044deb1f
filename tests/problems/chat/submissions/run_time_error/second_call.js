const lines = require("readline").createInterface({ input: process.stdin })[Symbol.asyncIterator]();
(async () => {
    const call = (await lines.next()).value;
    if (call === "second") throw new Error("who is there?");
    let total = 0, price = 1;
    while (price) {
        console.log("next");
        price = Number((await lines.next()).value);
        total += price;
    }
    console.log(total);
    process.exit(0);
})();
