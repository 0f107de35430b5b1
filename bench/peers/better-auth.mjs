// better-auth's check of an API key behind a bare route: a key with `remaining` uses and a rate limit, both out of reach,
// on PostgreSQL. Prints the key, then serves; each process of the cluster has connections of its own.
//
//   better-auth.mjs DATABASE-URL PORT PROCESSES

import cluster from "node:cluster";
import { createServer } from "node:http";
import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import pg from "pg";

const [database, port, processes] = process.argv.slice(2);
const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: "a secret of the benchmark's own, of some length",
  database: new pg.Pool({ connectionString: database, max: 32 }),
  emailAndPassword: { enabled: true },
  logger: { level: "error" },
  plugins: [apiKey({ rateLimit: { enabled: true, timeWindow: 1000 * 60 * 60 * 24, maxRequests: 100_000_000 } })],
};
const auth = betterAuth(options);

if (cluster.isPrimary) {
  await (await getMigrations(options)).runMigrations();
  const { user } = await auth.api.signUpEmail({
    body: { name: "Bench", email: "bench@example.com", password: "correct horse battery" },
  });
  const { key } = await auth.api.createApiKey({ body: { name: "bench", userId: user.id, remaining: 1_000_000_000 } });
  await options.database.end();
  for (let n = 0; n < Number(processes); n++) cluster.fork();
  let listening = 0;
  cluster.on("listening", () => ++listening === Number(processes) && console.log(key));
} else {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { valid, error } = await auth.api.verifyApiKey({ body: JSON.parse(Buffer.concat(chunks)) });
    const answer = JSON.stringify({ valid, error });
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) });
    response.end(answer);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(Number(port), "127.0.0.1");
}
