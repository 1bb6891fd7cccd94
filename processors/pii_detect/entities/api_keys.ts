/**
 * Keys of services that mark them with a prefix. One row a shape; several rows may share a name.
 * Shapes are those that the services publish.
 */
import { ALNUM, DASH, DIGIT, HEX, KEY, UPPER } from "../characters.ts";
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
const RAREST_FIRST = "zJKIxVZG_v-";

const SERVICES: readonly (readonly [name: string, description: string, ...KeyShape[]])[] = [
  [
    "aws_access_key_id",
    "AWS access key id (`AKIA…`, `ASIA…`)",
    ...shapes("AKIA ASIA", UPPER | DIGIT, 16, 16),
  ],
  [
    "github_token",
    "GitHub token (`ghp_…`, `gho_…`, `github_pat_…`)",
    ...shapes("ghp_ gho_ ghu_ ghs_ ghr_", ALNUM, 36, 255),
    ...shapes("github_pat_", TEXT, 50, 255),
  ],
  [
    "gitlab_token",
    "GitLab token (`glpat-…`, `glrt-…`, `gldt-…`)",
    ...shapes("glpat- glrt- gldt- glptt- glsoat- glcbt-", TEXT, 20, 255),
  ],
  [
    "slack_token",
    "Slack token (`xoxb-…`, `xoxp-…`, `xapp-…`)",
    ...shapes("xoxa- xoxb- xoxe- xoxp- xoxr- xoxs- xapp-", TEXT, 10, 255),
  ],
  ["google_api_key", "Google API key (`AIza…`)", ...shapes("AIza", TEXT, 35, 35)],
  [
    "google_oauth_token",
    "Google OAuth token or client secret (`ya29.…`, `GOCSPX-…`)",
    ...shapes("ya29.", TEXT, 30, 512),
    ...shapes("GOCSPX-", TEXT, 28, 28),
  ],
  [
    "stripe_key",
    "Stripe secret or restricted key (`sk_live_…`, `rk_live_…`, `whsec_…`)",
    ...shapes("sk_live_ rk_live_ sk_test_ rk_test_ whsec_", ALNUM, 10, 255),
  ],
  ["npm_token", "npm access token (`npm_…`)", ...shapes("npm_", ALNUM, 36, 36)],
  ["pypi_token", "PyPI upload token (`pypi-…`)", ...shapes("pypi-", TEXT, 85, 255)],
  [
    "openai_key",
    "OpenAI or Anthropic key (`sk-proj-…`, `sk-ant-…`)",
    ...shapes("sk-proj- sk-ant- sk-svcacct- sk-admin-", TEXT, 20, 255),
  ],
  [
    "ai_service_key",
    "key of Hugging Face, Groq, Perplexity, Replicate or xAI (`hf_…`, `gsk_…`, `pplx-…`)",
    ...shapes("hf_", ALNUM, 34, 40),
    ...shapes("gsk_ pplx- xai- r8_", TEXT, 37, 255),
  ],
  ["sendgrid_key", "SendGrid key (`SG.…`)", ...shapes("SG.", KEY, 66, 66)],
  [
    "digitalocean_token",
    "DigitalOcean token (`dop_v1_…`)",
    ...shapes("dop_v1_ doo_v1_ dor_v1_", HEX, 64, 64),
  ],
  ["vault_token", "HashiCorp Vault token (`hvs.…`)", ...shapes("hvs. hvb. hvr.", TEXT, 24, 255)],
  [
    "shopify_token",
    "Shopify token (`shpat_…`, `shpss_…`)",
    ...shapes("shpat_ shpca_ shppa_ shpss_", HEX, 32, 32),
  ],
  [
    "square_token",
    "Square token (`sq0atp-…`, `sq0csp-…`)",
    ...shapes("sq0atp- sq0csp-", TEXT, 22, 60),
  ],
  ["databricks_token", "Databricks token (`dapi…`)", ...shapes("dapi", HEX, 32, 32)],
  ["atlassian_token", "Atlassian API token (`ATATT3…`)", ...shapes("ATATT3", TEXT, 50, 255)],
  [
    "observability_key",
    "key of Grafana, New Relic, Sentry or Dynatrace (`glsa_…`, `NRAK-…`, `sntrys_…`)",
    ...shapes("glsa_ glc_", TEXT, 32, 255),
    ...shapes("NRAK-", UPPER | DIGIT, 27, 27),
    ...shapes("sntrys_ sntryu_ dt0c01.", TEXT, 24, 255),
  ],
  [
    "saas_token",
    "token of Linear, Notion, Figma, Postman, Airtable or Doppler (`lin_api_…`, `ntn_…`)",
    ...shapes("lin_api_ ntn_ figd_ PMAK- dp.pt.", TEXT, 32, 255),
  ],
  [
    "developer_token",
    "token of Docker, RubyGems, Terraform, PlanetScale, Supabase or Heroku (`dckr_pat_…`)",
    ...shapes("dckr_pat_ rubygems_ pscale_tkn_ pscale_pw_ sbp_ HRKU- ops_ tskey-", TEXT, 24, 900),
  ],
  ["alibaba_access_key", "Alibaba Cloud access key id (`LTAI…`)", ...shapes("LTAI", ALNUM, 12, 26)],
  [
    "age_identity",
    "age identity (`AGE-SECRET-KEY-1…`)",
    ...shapes("AGE-SECRET-KEY-1", UPPER | DIGIT, 58, 58),
  ],
];

/** A shape with its name, and where its rarest character stands in the prefix. */
interface PlacedShape extends KeyShape {
  readonly name: string;
  readonly character: string;
  readonly offset: number;
}

const placed = SERVICES.flatMap(([name, , ...list]) =>
  list.map((shape): PlacedShape => {
    const character = [...RAREST_FIRST].find((each) => shape.prefix.includes(each));
    const rarest = character ?? shape.prefix[0]!;
    return { ...shape, name, character: rarest, offset: shape.prefix.indexOf(rarest) };
  }),
);

/** One check a character, whichever of the services are looked for. */
const triggers: readonly Trigger[] = Object.entries(
  Object.groupBy(placed, ({ character }) => character),
).map(([character, list]) => triggerFor(character, list!));

export const apiKeys: readonly Entity[] = SERVICES.map(([name, description]) => ({
  name,
  description,
  tier: "A",
  nature: "secret",
  triggers,
}));

/** `prefixes` are separated by spaces; `min` and `max` count the characters behind them. */
function shapes(prefixes: string, classes: number, min: number, max: number): KeyShape[] {
  return prefixes.split(" ").map((prefix) => ({ prefix, classes, lengths: [min, max] }));
}

function triggerFor(characters: string, list: readonly PlacedShape[]): Trigger {
  const neighbours = (distance: number): string =>
    list.map(({ prefix, offset }) => prefix[offset + distance] ?? "").join("");
  const startsWord = list.some(({ offset }) => offset === 0);
  const endsPrefix = list.some(({ prefix, offset }) => offset === prefix.length - 1);
  return {
    characters,
    before: neighbours(-1) + (startsWord ? "\\W" : ""),
    after: neighbours(1) + (endsPrefix ? "\\w-" : ""),
    verify: (text, at, found) => {
      for (const shape of list) if (verifyShape(shape, text, at, found)) return;
    },
  };
}

function verifyShape(shape: PlacedShape, text: ScannedText, at: number, found: Found): boolean {
  const { prefix, classes, lengths, name } = shape;
  const start = at - shape.offset;
  if (start < 0 || !text.startsWith(prefix, start)) return false;
  if ((classAt(text, start - 1) & (ALNUM | DASH)) !== 0) return false;
  const from = start + prefix.length;
  const end = runEnd(text, from, classes, from + lengths[1] + 1);
  if (end - from < lengths[0] || end - from > lengths[1]) return false;
  if ((classAt(text, end) & ALNUM) !== 0) return false;
  if (found.add(name, start, end, 0.95)) found.resume = end;
  return true;
}
