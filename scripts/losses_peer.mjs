// A worker of bench_losses: the same as losses_peer.py, by the SDK of FLORA's makers.
// node losses_peer.mjs FOLDER BASE_URL FIRST COUNT AT_ONCE KEYED
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";

const [folder, baseURL, first, count, atOnce, keyed] = process.argv.slice(2);
const sdk = createRequire(folder + "/")("@flora-ai/flora");
const api = new sdk.default({ apiKey: "sk_live_losses", baseURL });
const left = Array.from({ length: Number(count) }, (_, index) => Number(first) + index);

async function create(number) {
  const request = {
    type: "image",
    model: "t2i-flux-2-pro",
    prompt: `prompt ${number}`,
    workspace_id: "ws_losses",
    project_id: "prj_losses",
  };
  const headers = keyed === "key" ? { "Idempotency-Key": randomUUID() } : {};
  try {
    const run = await api.generations.create(request, { headers });
    return { number, run_id: run.run_id };
  } catch (error) {
    return { number, error: error.constructor.name };
  }
}

async function work() {
  while (left.length) console.log(JSON.stringify(await create(left.shift())));
}

await Promise.all(Array.from({ length: Number(atOnce) }, work));
