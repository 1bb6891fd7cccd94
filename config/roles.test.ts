import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinFactories } from "./builtin.ts";
import { formatDiagnostic } from "./diagnostics.ts";
import { loadConfig } from "./load.ts";

const DPO = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
const SUPPORT = "age1mq0r28lazs24twqwcqesx5k3txkxkh8zycptft2n203j4ymzyvrscrpmnh";

async function load(roles: string, recipients: string) {
  const text = `receivers: { otlp: { protocols: { http: } } }
exporters:
  sealed_archive:
    directory: ./archive
    origin: example.com/host1
    zones: { default: { recipients: ${recipients} } }
service:
  roles: ${roles}
  pipelines: { logs: { receivers: [otlp], exporters: [sealed_archive] } }
`;
  return loadConfig(["a.yaml"], {
    env: {},
    factories: builtinFactories,
    readFile: async () => new TextEncoder().encode(text),
  });
}

async function recipientsOf(roles: string, recipients: string): Promise<unknown> {
  const { config, diagnostics } = await load(roles, recipients);
  assert.deepEqual(diagnostics.map(formatDiagnostic), []);
  const archive = config!.exporters.get("sealed_archive")!.config as {
    zones: { default: { recipients: string[] } };
  };
  return archive.zones.default.recipients;
}

test("a role stands for its recipients", async () => {
  const roles = `{ dpo: [${DPO}], all: [${DPO}, ${SUPPORT}] }`;
  assert.deepEqual(await recipientsOf(roles, "[dpo]"), [DPO]);
  assert.deepEqual(await recipientsOf(roles, "[all]"), [DPO, SUPPORT]);
});

test("a recipient that several roles have is there once", async () => {
  const roles = `{ dpo: [${DPO}], all: [${DPO}, ${SUPPORT}] }`;
  assert.deepEqual(await recipientsOf(roles, `[dpo, all, ${SUPPORT}]`), [DPO, SUPPORT]);
});

test("an unknown role is an error where it stands", async () => {
  const { diagnostics } = await load(`{ dpo: [${DPO}] }`, "[auditor]");
  const [message] = diagnostics.map(formatDiagnostic);
  assert.match(message!, /^a\.yaml:6:\d+ .*is no age recipient .* and no role of service\.roles/s);
});

test("a mistake in a role is an error in service.roles", async () => {
  const { diagnostics } = await load("{ dpo: [age1wrong] }", "[dpo]");
  assert.ok(diagnostics.some(({ line }) => line === 8));
});

test("the checked service knows the roles", async () => {
  const { config } = await load(`{ dpo: [${DPO}] }`, "[dpo]");
  assert.deepEqual(config!.service.roles, { dpo: [DPO] });
});
