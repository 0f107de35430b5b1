// odavl from TypeScript: the types are made from its OpenAPI document, and a mistake does not compile. Node 24 or later.
//
//     npm install && npm run schema
//     ODAVL_SERVER=http://127.0.0.1:8787 ODAVL_API_KEY=odavl_live_... npm start
//
// The key needs storage:write and usage:write, as `odavl admin keys create` makes one beside `odavl serve`.

import { createHash } from "node:crypto";

import createClient from "openapi-fetch";

import type { components, paths } from "./schema.ts";

const { ODAVL_SERVER: baseUrl = "http://127.0.0.1:8787", ODAVL_API_KEY: key } = process.env;
const odavl = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

/** What was answered; a refusal is thrown, and says the way out. */
function answered<T>(answer: { data?: T; error?: components["schemas"]["Problem"] }): T {
  const { data, error } = answer;
  if (error) throw new Error(`${error.code}: ${error.detail}${error.hint ? `; ${error.hint}` : ""}`);
  if (data === undefined) throw new Error("nothing was answered");
  return data;
}

/** Sends a presigned request: bytes go to the store and come from it by themselves. */
async function send(request: components["schemas"]["PresignedRequest"], body?: string): Promise<string> {
  const headers = request.headers.map(({ name, value }): [string, string] => [name, value]);
  const answer = await fetch(request.url, { method: request.method, headers, ...(body === undefined ? {} : { body }) });
  if (!answer.ok) throw new Error(`the store answered ${answer.status}`);
  return answer.text();
}

const me = answered(await odavl.GET("/api/v1/me"));
console.log(`${me.key_name} of ${me.organization_slug}, on ${me.plan}`);

// Charged durably, or refused; a retry with the same key charges nothing.
for (const idempotency_key of ["run-1", "run-1"]) {
  const body = { meter: "insight_analyses", units: 1, idempotency_key };
  const { remaining, replayed } = answered(await odavl.POST("/api/v1/usage/consume", { body }));
  console.log(`${remaining} left${replayed ? ", as before" : ""}`);
}

// A refusal is an answer with a type of its own.
const { error: refused } = await odavl.POST("/api/v1/usage/consume", { body: { meter: "insight_analyses", units: 1000 } });
console.log(`refused: ${refused?.code}, ${refused?.used} of ${refused?.limit} are used`);

const text = "hello from TypeScript\n";
const name = "notes/hello.txt";
const sha256 = createHash("sha256").update(text).digest("hex");
const { request, upload } = answered(
  await odavl.POST("/api/v1/storage/upload-url", {
    body: { name, size: Buffer.byteLength(text), sha256, content_type: "text/plain", overwrite: true },
  }),
);
if (request) await send(request, text);
answered(await odavl.POST("/api/v1/storage/uploads/{id}/complete", { params: { path: { id: upload.id } } }));

const download = answered(await odavl.POST("/api/v1/storage/download-url", { body: { name } }));
console.log(`${name}: ${(await send(download)).trimEnd()}`);
