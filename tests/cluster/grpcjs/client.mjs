// SPDX-License-Identifier: MIT
//
// A gRPC client (@grpc/grpc-js) that knows nothing but server reflection, as
// grpcurl does.  A line of JSON in, a line out:
//
//   {"id":1,"do":"list"}                          services and methods
//   {"id":2,"do":"call","method":"pkg.Service/Get","message":{},
//    "metadata":{},"deadlineMs":5000}             unary
//   {"id":3,"do":"open", ...}                     server streaming; each message
//                                                 is {"stream":3,"message":{}}
//   {"id":4,"do":"cancel","stream":3}

import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";
import { createInterface } from "node:readline";

const [target, ca, version] = process.argv.slice(2);
const options = { longs: String, enums: String, defaults: true,
		  oneofs: true };

const reflection = loader.fromJSON({ nested: { grpc: { nested: {
	reflection: { nested: { [version]: { nested: {
		ServerReflection: { methods: { ServerReflectionInfo: {
			requestType: "Request", requestStream: true,
			responseType: "Response", responseStream: true } } },
		Request: { oneofs: { ask: { oneof: [
			"fileByFilename", "fileContainingSymbol",
			"listServices"] } },
			fields: {
				fileByFilename: { type: "string", id: 3 },
				fileContainingSymbol: { type: "string", id: 4 },
				listServices: { type: "string", id: 7 } } },
		Files: { fields: { file: { rule: "repeated", type: "bytes",
					   id: 1 } } },
		Service: { fields: { name: { type: "string", id: 1 } } },
		Services: { fields: { service: { rule: "repeated",
						 type: "Service", id: 1 } } },
		Failure: { fields: { code: { type: "int32", id: 1 },
				     text: { type: "string", id: 2 } } },
		Response: { fields: {
			files: { type: "Files", id: 4 },
			services: { type: "Services", id: 6 },
			failure: { type: "Failure", id: 7 } } },
	} } } } } } } }, options);

const credentials = ca === "-" ? grpc.credentials.createInsecure()
	: grpc.credentials.createSsl(Buffer.from(ca, "base64"));
const channel = { "grpc.ssl_target_name_override": "localhost" };

function varint(n)
{
	const out = [];
	for (; n > 127; n >>>= 7)
		out.push((n & 127) | 128);
	out.push(n);
	return Buffer.from(out);
}

// All that reflection tells: {"pkg.Service": client}.
async function learn()
{
	const name = `grpc.reflection.${version}.ServerReflection`;
	const made = grpc.loadPackageDefinition(reflection);
	const Client = made.grpc.reflection[version].ServerReflection;
	const client = new Client(target, credentials, channel);
	const stream = client.ServerReflectionInfo();
	const answers = stream[Symbol.asyncIterator]();
	const ask = async (question) => {
		stream.write(question);
		const { value } = await answers.next();
		if (value.failure?.code)
			throw new Error(`${value.failure.code} ${value.failure.text}`);
		return value;
	};
	const listed = (await ask({ listServices: "*" })).services.service;
	const files = new Map();
	for (const { name: service } of listed) {
		const got = await ask({ fileContainingSymbol: service });
		for (const file of got.files.file)
			files.set(file.toString("base64"), file);
	}
	let missing = "";
	await ask({ fileByFilename: "no/such.proto" })
		.catch((e) => { missing = e.message; });
	stream.end();
	for await (const _ of stream);
	client.close();
	const set = Buffer.concat([...files.values()].flatMap((file) =>
		[Buffer.from([10]), varint(file.length), file]));
	const schema = loader.loadFileDescriptorSetFromBuffer(set, options);
	const clients = {};
	for (const { name: service } of listed) {
		const Made = grpc.makeGenericClientConstructor(
			schema[service], service);
		clients[service] = new Made(target, credentials, channel);
	}
	return { name, schema, clients, missing };
}

function say(line)
{
	process.stdout.write(JSON.stringify(line) + "\n");
}

function metadata(from = {})
{
	const made = new grpc.Metadata();
	for (const [key, value] of Object.entries(from))
		made.set(key, value);
	return made;
}

function told(error)
{
	const details = error.metadata?.get("grpc-status-details-bin")[0];
	return { code: grpc.status[error.code], details: error.details,
		 head: error.metadata?.getMap(),
		 bin: details ? details.toString("base64") : "" };
}

const { schema, clients, missing } = await learn();
const streams = new Map();

const commands = {
	list({ id }) {
		const services = {};
		for (const service of Object.keys(clients))
			services[service] = Object.keys(schema[service]);
		say({ id, services, missing });
	},
	call({ id, method, message = {}, metadata: head, deadlineMs }) {
		const [service, name] = method.split("/");
		let answer;
		const call = clients[service][name](message, metadata(head),
			deadlineMs ? { deadline: Date.now() + deadlineMs } : {},
			(error, reply) => {
				answer = error ? { id, ...told(error) }
					       : { id, code: "OK", reply };
			});
		call.on("metadata", (got) => { call.head = got.getMap(); });
		call.on("status", () => setImmediate(() =>
			say({ head: call.head, ...answer })));
	},
	open({ id, method, message = {}, metadata: head, deadlineMs }) {
		const [service, name] = method.split("/");
		const call = clients[service][name](message, metadata(head),
			deadlineMs ? { deadline: Date.now() + deadlineMs }
				   : {});
		streams.set(id, call);
		call.on("data", (got) => say({ stream: id, message: got }));
		call.on("error", () => {});
		call.on("status", (status) => say({ stream: id,
			...told(status) }));
	},
	cancel({ id, stream }) {
		streams.get(stream).cancel();
		say({ id });
	},
};

say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
	const asked = JSON.parse(line);
	commands[asked.do](asked);
}
process.exit(0);
