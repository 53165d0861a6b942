// What a user of the vendor's SDK does: node vendor_sdk.mjs FOLDER PACKAGE SCENARIO BASE_URL
// FOLDER is where npm installed the package. What the SDK gave is printed as JSON.
import { createRequire } from "node:module";

const [folder, name, scenario, baseURL, argument] = process.argv.slice(2);
const sdk = createRequire(folder + "/")(name);
const connect = (apiKey, options) => new sdk.default({ apiKey, baseURL, ...options });
const client = connect("sk_live_test");

const request = {
  type: "image",
  prompt: "A ceramic mug on a sunlit table",
  workspace_id: "ws_abc123",
  project_id: "prj_abc123",
};

// Before 0.10.0 there is no method for it.
const read = (runId) =>
  client.generations.retrieve ? client.generations.retrieve(runId) : client.get("/runs/" + runId);

async function finish(runId) {
  const seen = [];
  for (;;) {
    const run = await read(runId);
    seen.push(run);
    if (run.status === "completed" || run.status === "failed") return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function raised(call) {
  try {
    await call();
  } catch (error) {
    return {
      class: error.constructor.name,
      is_api_error: error instanceof sdk.APIError,
      status: error.status,
      code: error.error?.error?.code,
      fields: error.error?.error?.fields?.map((entry) => entry.field),
      request_id: error.headers?.get("request-id"),
    };
  }
  return null;
}

const scenarios = {
  async generate() {
    const accepted = await client.generations.create(request);
    const seen = await finish(accepted.run_id);
    const files = [];
    for (const output of seen.at(-1).outputs) {
      const answer = await fetch(output.url);
      const bytes = Buffer.from(await answer.arrayBuffer());
      files.push({ type: answer.headers.get("content-type"), data: bytes.toString("base64") });
    }
    return { accepted, seen, files };
  },

  async fail() {
    const accepted = await client.generations.create({ ...request, model: argument });
    return { accepted, run: (await finish(accepted.run_id)).at(-1) };
  },

  async page() {
    const created = [];
    for (let number = 0; number < 23; number++) {
      created.push((await client.generations.create(request)).run_id);
    }
    const listed = [];
    for await (const run of client.generations.list({ limit: 5, project_id: "prj_abc123" })) {
      listed.push(run);
    }
    const first = await client.generations.list({ limit: 5 });
    return { created, listed, pages: { more: first.hasNextPage(), size: first.generations.length } };
  },

  async errors() {
    const once = { headers: { "Idempotency-Key": "once" }, maxRetries: 0 };
    await client.generations.create(request, once);
    return {
      fields: await raised(() => client.generations.create({ ...request, type: "hologram", prompt: "" })),
      key: await raised(() => connect("sk_live_unknown").generations.list()),
      credits: await raised(() =>
        connect("sk_live_broke").generations.create({
          ...request,
          workspace_id: "ws_broke1",
          project_id: "prj_broke1",
        }),
      ),
      workspace: await raised(() =>
        client.generations.create({ ...request, workspace_id: "ws_other1", project_id: "prj_other1" }),
      ),
      run: await raised(() => read("run_unknown")),
      duplicate: await raised(() => client.generations.create(request, once)),
      cursor: await raised(() => client.generations.list({ cursor: "eyJvZmZzZXQiOjIwfQ" })),
    };
  },

  async outage() {
    const once = connect("sk_live_test", { maxRetries: 0 });
    const refused = [];
    for (let number = 0; number < Number(argument); number++) {
      refused.push(await raised(() => once.generations.list()));
    }
    const page = await client.generations.list();
    return { refused, patient: page.generations.length };
  },

  async hurry() {
    const refused = await raised(async () => {
      const hasty = connect("sk_live_test", { maxRetries: 0 });
      for (let number = 0; number < 10; number++) await hasty.generations.list();
    });
    const patient = await client.generations.list();
    return { refused, patient: patient.generations.length };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
