// The main job through the client that openapi-typescript and openapi-fetch make: signs a device in, makes a key, uploads
// results, uses a quota up, reads the bytes back.
//
//     node job.ts URL RESULTS RUN

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";

import createClient from "openapi-fetch";

import type { components, paths } from "./schema.ts";

type Problem = components["schemas"]["Problem"];

const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
const [url = "", file = "", run = ""] = process.argv.slice(2);

/** What was answered; a refusal is thrown. */
function answered<T>(answer: { data?: T; error?: unknown }): T {
  assert.equal(answer.error, undefined, JSON.stringify(answer.error));
  assert.ok(answer.data !== undefined);
  return answer.data;
}

function client(token?: string) {
  return createClient<paths>({ baseUrl: url, headers: token ? { Authorization: `Bearer ${token}` } : {} });
}

/** Shows the code, and waits until somebody has approved it. */
async function signIn(): Promise<string> {
  const visitor = client();
  const device = answered(
    await visitor.POST("/api/auth/device/code", { body: { client_id: "odavl-cli" }, headers: FORM }),
  );
  const form = {
    grant_type: "urn:ietf:params:oauth:grant-type:device_code" as const,
    client_id: "odavl-cli",
    device_code: device.device_code,
  };
  const early = await visitor.POST("/api/auth/token", { body: form, headers: FORM });
  assert.equal(early.error?.error, "authorization_pending");
  console.log(device.user_code);
  const input = createInterface(process.stdin);
  await input[Symbol.asyncIterator]().next();
  input.close();
  const { interval } = device;
  await new Promise((resolve) => setTimeout(resolve, interval * 1000));
  return answered(await visitor.POST("/api/auth/token", { body: form, headers: FORM })).access_token;
}

async function makeKey(): Promise<string> {
  const person = client(await signIn());
  answered(await person.POST("/api/v1/projects", { body: { slug: "website" } }));
  const scopes = ["insight:write", "uploads:write", "usage:write"];
  const made = answered(await person.POST("/api/v1/api-keys", { body: { name: "job", scopes, environment: "live" } }));
  assert.deepEqual([made.key.environment, made.key.expires_at], ["live", null]);
  assert.ok(made.secret);
  return made.secret;
}

const results = readFileSync(file, "utf8");
const machine = client(await makeKey());
const upload = answered(
  await machine.POST("/api/v1/uploads", {
    params: {
      query: { product: "insight", project: "website", run_id: run },
      header: { "Odavl-Content-Sha256": createHash("sha256").update(results).digest("hex") },
    },
    headers: { "Content-Type": "application/octet-stream" },
    body: results,
    bodySerializer: (body) => body,
  }),
).upload;
assert.equal(upload.summary.levels.warning, 1);

const usage = answered(await machine.GET("/api/v1/usage"));
const standing = usage.limits.find((limit) => limit.meter === "guardian_tests");
assert.deepEqual([standing?.used, standing?.limit, standing?.key_id], [0, 20, null]);

let granted = 0;
let refused: Problem | undefined;
while (!refused) {
  const answer = await machine.POST("/api/v1/usage/consume", { body: { meter: "guardian_tests", units: 1 } });
  refused = answer.error;
  granted += answer.data?.units ?? 0;
}
assert.deepEqual([refused.code, refused.meter, refused.limit, refused.used], ["quota_exceeded", "guardian_tests", 20, 20]);
assert.equal(granted, 20);

const back = answered(
  await machine.GET("/api/v1/uploads/{id}/content", { params: { path: { id: upload.id } }, parseAs: "text" }),
);
assert.equal(back, results);
console.log(`${granted} granted, then ${refused.code}; ${Buffer.byteLength(back)} bytes read back`);
