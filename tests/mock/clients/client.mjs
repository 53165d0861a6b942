// Node's own fetch, or undici's: node client.mjs BASE_URL BODY [FOLDER of undici]
import { createRequire } from "node:module";

const [base, body, folder] = process.argv.slice(2);
const fetch = folder ? createRequire(folder + "/")("undici").fetch : globalThis.fetch;

async function ask(method, path, options = {}) {
  const headers = { authorization: "Bearer sk_live_test", "content-type": "application/json" };
  if (options.key) headers["idempotency-key"] = options.key;
  const answer = await fetch(base + path, { method, headers, body: options.body, duplex: "half" });
  await answer.arrayBuffer();
  return answer.status;
}

const chunked = () => new Blob([body]).stream();
console.log(
  await ask("POST", "/generate", { body, key: "once" }),
  await ask("POST", "/generate", { body, key: "once" }),
  await ask("POST", "/generate", { body: chunked() }),
  await ask("GET", "/generations?limit=1"),
  await ask("GET", "/nothing"),
  await ask("HEAD", "/generations"),
);
