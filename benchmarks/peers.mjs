// Reads NDJSON {"text": ...} on standard input, parses each with email-bounce-parser, prints seconds.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(process.argv[2] + "/");
const Parser = require("email-bounce-parser");
const texts = readFileSync(0, "utf8").split("\n").filter(Boolean).map((l) => JSON.parse(l).text);
const parser = new Parser();
let read = 0;
const begin = process.hrtime.bigint();
for (const text of texts) {
  try {
    parser.read(text);
    read++;
  } catch {
    // a text that it cannot read counts as read: the time was spent
  }
}
console.log(JSON.stringify({ seconds: Number(process.hrtime.bigint() - begin) / 1e9, read }));
