// SPDX-License-Identifier: MIT
// TypeScript types of proto/switchyard.proto, in proto3's JSON mapping:
//
//   node schema.mjs OUTPUT [FIELDS]
//
// FIELDS gets what the messages of WsServer are made of, for complete.ts.
//
// The API prints fields that have their default, so only messages and members
// of a oneof may be absent.

import { readFileSync, writeFileSync } from "node:fs";

const source = new URL("../proto/switchyard.proto", import.meta.url);
const SCALARS = {
	string: "string", bytes: "string", bool: "boolean", float: "number",
	double: "number", uint32: "number", int32: "number", sint32: "number",
	uint64: "string", int64: "string",
	"google.protobuf.Timestamp": "string",
};
const TIME = "google.protobuf.Timestamp";

const text = readFileSync(source, "utf8").replace(/\/\/[^\n]*/g, "");
const tokens = text.match(/"[^"]*"|[\w.]+|[{}=;<>,[\]()-]/g);
const enums = new Map();
const messages = new Map();
let at = 0;

const camel = (name) =>
	name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());

function skipTo(end) {
	while (tokens[at++] !== end)
		;
}

function readEnum() {
	const name = tokens[at++];
	const values = [];

	at++;
	while (tokens[at] !== "}") {
		if (tokens[at] !== "reserved" && tokens[at] !== "option")
			values.push(tokens[at]);
		skipTo(";");
	}
	at++;
	enums.set(name, values);
}

function readField(fields, optional) {
	const repeated = tokens[at] === "repeated";

	if (repeated || tokens[at] === "optional") {
		optional ||= tokens[at] === "optional";
		at++;
	}
	fields.push({ type: tokens[at], name: tokens[at + 1], repeated,
		optional });
	skipTo(";");
}

function readMessage() {
	const name = tokens[at++];
	const fields = [];

	at++;
	while (tokens[at] !== "}") {
		if (tokens[at] === "reserved" || tokens[at] === "option") {
			skipTo(";");
		} else if (tokens[at] === "oneof") {
			at += 3;
			while (tokens[at] !== "}")
				readField(fields, true);
			at++;
		} else {
			readField(fields, false);
		}
	}
	at++;
	messages.set(name, fields);
}

while (at < tokens.length) {
	const word = tokens[at++];

	if (word === "enum")
		readEnum();
	else if (word === "message")
		readMessage();
	else if (word === "service")
		skipTo("}");
}

function member(f) {
	const known = SCALARS[f.type] ?? f.type;
	const absent = !f.repeated && (f.optional || messages.has(f.type) ||
		f.type === TIME);

	return `\t${camel(f.name)}${absent ? "?" : ""}: ${known}` +
		`${f.repeated ? "[]" : ""};\n`;
}

let out = "// Made by web/schema.mjs of proto/switchyard.proto.\n";
for (const [name, values] of enums)
	out += `\nexport type ${name} =\n` +
		values.map((v) => `\t| "${v}"`).join("\n") + ";\n";
for (const [name, fields] of messages)
	out += `\nexport interface ${name} {\n` +
		fields.map(member).join("") + "}\n";
writeFileSync(process.argv[2], out);

// ------------------------------------------------------------------- fields

/** What a message has when nothing is said of a field. */
function initial(f) {
	if (f.repeated)
		return [];
	if (f.optional || messages.has(f.type) || f.type === TIME)
		return undefined;
	if (enums.has(f.type))
		return enums.get(f.type)[0];
	return { string: "", boolean: false, number: 0 }[SCALARS[f.type]];
}

function reach(name, found = new Map()) {
	if (found.has(name))
		return found;
	const fields = messages.get(name);
	const defaults = {}, inner = {};

	found.set(name, { defaults, inner });
	for (const f of fields) {
		const value = initial(f);

		if (value !== undefined)
			defaults[camel(f.name)] = value;
		if (messages.has(f.type)) {
			inner[camel(f.name)] = f.type;
			reach(f.type, found);
		}
	}
	return found;
}

if (process.argv[3])
	writeFileSync(process.argv[3],
		"// Made by web/schema.mjs of proto/switchyard.proto.\n\n" +
		"export const FIELDS: Record<string, { defaults: object;\n" +
		"\tinner: Record<string, string> }> = " +
		JSON.stringify(Object.fromEntries(reach("WsServer"))) + ";\n");
