// Parse an AsyncAPI document, and print what the parser has to say as JSON.
import { readFile } from "node:fs/promises";

import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], "utf8"));
const messages = document?.allMessages().map((message) => message.name()) ?? [];
console.log(JSON.stringify({ messages, diagnostics }));
