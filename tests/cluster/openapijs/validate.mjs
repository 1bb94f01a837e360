// SPDX-License-Identifier: MIT
// What others say of the API's description and of answers to it.  Standard
// input: {"doc", "answers": [{"path", "method", "status", "type", "body"}]};
// standard output: a list of what is wrong.
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";

const { doc, answers } = JSON.parse(readFileSync(0, "utf8"));
const wrong = [];

const made = await new Validator().validate(structuredClone(doc));
if (!made.valid) wrong.push({ description: made.errors });

const ajv = new Ajv2020({ strict: false, validateFormats: true });
formats.default(ajv);
ajv.addSchema({ $id: "api", ...doc });

const escape = (name) => encodeURIComponent(
  name.replaceAll("~", "~0").replaceAll("/", "~1"));

for (const { path, method, status, type, body } of answers) {
  let at = ["paths", path, method.toLowerCase(), "responses", String(status)];
  const res = at.reduce((thing, name) => thing?.[name], doc);
  const ref = res?.$ref?.slice(2).split("/");
  const where = [...(ref ?? at), "content", type, "schema"];
  const check = ajv.getSchema("api#/" + where.map(escape).join("/"));
  if (!check || !check(body))
    wrong.push({ path, method, status, errors: check?.errors ?? "no schema" });
}

console.log(JSON.stringify(wrong));
