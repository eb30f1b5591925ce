// Says what @asyncapi/parser, AsyncAPI's own, finds in the document on standard input: a JSON array.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { Parser } = createRequire(process.argv[2] + "/")("@asyncapi/parser");
const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const told = diagnostics.map(({ severity, message, path }) => ({ severity, message, path: path.join("/") }));
console.log(JSON.stringify({ parsed: document !== undefined, diagnostics: told }));
