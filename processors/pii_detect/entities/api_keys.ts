/**
 * Keys of services that mark them with a prefix. One row a shape; several rows may share a name.
 * Shapes are those that the services publish.
 */
import { ALNUM, DASH, DIGIT, HEX, UPPER } from "../characters.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, runEnd } from "../scanned_text.ts";
import type { Entity, Found, Trigger } from "./entity.ts";

interface KeyShape {
  readonly prefix: string;
  readonly classes: number;
  /** Characters after the prefix. */
  readonly lengths: readonly [min: number, max: number];
}

const TEXT = ALNUM | DASH;

/** Characters from rare to frequent in logs: a prefix is looked for at its rarest one. */
const RAREST_FIRST = "zJKIxV_v-";

export const apiKeys: readonly Entity[] = [
  service("aws_access_key_id", "AWS access key id (`AKIA…`, `ASIA…`)", [
    { prefix: "AKIA", classes: UPPER | DIGIT, lengths: [16, 16] },
    { prefix: "ASIA", classes: UPPER | DIGIT, lengths: [16, 16] },
  ]),
  service("github_token", "GitHub token (`ghp_…`, `gho_…`, `github_pat_…`)", [
    ...["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].map(
      (prefix): KeyShape => ({ prefix, classes: ALNUM, lengths: [36, 255] }),
    ),
    { prefix: "github_pat_", classes: TEXT, lengths: [50, 255] },
  ]),
  service("gitlab_token", "GitLab token (`glpat-…`)", [
    { prefix: "glpat-", classes: TEXT, lengths: [20, 255] },
  ]),
  service("slack_token", "Slack token (`xoxb-…`, `xoxp-…`, `xapp-…`)", [
    ...["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xapp-"].map(
      (prefix): KeyShape => ({ prefix, classes: TEXT, lengths: [10, 255] }),
    ),
  ]),
  service("google_api_key", "Google API key (`AIza…`)", [
    { prefix: "AIza", classes: TEXT, lengths: [35, 35] },
  ]),
  service("stripe_key", "Stripe secret or restricted key (`sk_live_…`, `rk_live_…`, `whsec_…`)", [
    ...["sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"].map(
      (prefix): KeyShape => ({ prefix, classes: ALNUM, lengths: [10, 255] }),
    ),
  ]),
  service("npm_token", "npm access token (`npm_…`)", [
    { prefix: "npm_", classes: ALNUM, lengths: [36, 36] },
  ]),
  service("openai_key", "OpenAI or Anthropic key (`sk-proj-…`, `sk-ant-…`)", [
    { prefix: "sk-proj-", classes: TEXT, lengths: [20, 255] },
    { prefix: "sk-ant-", classes: TEXT, lengths: [20, 255] },
  ]),
  service("digitalocean_token", "DigitalOcean token (`dop_v1_…`)", [
    { prefix: "dop_v1_", classes: HEX, lengths: [64, 64] },
  ]),
  service("vault_token", "HashiCorp Vault token (`hvs.…`)", [
    { prefix: "hvs.", classes: TEXT, lengths: [24, 255] },
  ]),
  service("age_identity", "age identity (`AGE-SECRET-KEY-1…`)", [
    { prefix: "AGE-SECRET-KEY-1", classes: UPPER | DIGIT, lengths: [58, 58] },
  ]),
];

function service(name: string, description: string, shapes: readonly KeyShape[]): Entity {
  const triggers = shapes.map((shape) => triggerFor(name, shape));
  return { name, description, tier: "A", nature: "secret", triggers };
}

function triggerFor(name: string, shape: KeyShape): Trigger {
  const { prefix, classes, lengths } = shape;
  const character = [...RAREST_FIRST].find((candidate) => prefix.includes(candidate)) ?? prefix[0]!;
  const offset = prefix.indexOf(character);
  const verify = (text: ScannedText, at: number, found: Found): void => {
    const start = at - offset;
    if (start < 0 || !text.startsWith(prefix, start)) return;
    if ((classAt(text, start - 1) & (ALNUM | DASH)) !== 0) return;
    const from = start + prefix.length;
    const end = runEnd(text, from, classes, from + lengths[1] + 1);
    if (end - from < lengths[0] || end - from > lengths[1]) return;
    if ((classAt(text, end) & ALNUM) !== 0) return;
    if (found.add(name, start, end, 0.95)) found.resume = end;
  };
  const before = prefix[offset - 1] ?? "\\W";
  const after = prefix[offset + 1];
  return after === undefined
    ? { characters: character, before, verify }
    : { characters: character, before, after, verify };
}
