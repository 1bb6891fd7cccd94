/** All that is measured about finding personal data, and how it is kept and shown. */
import { join } from "node:path";
import type { ConfigName } from "./detect.ts";
import { CONFIG_NAMES, CONFIGS } from "./detect.ts";
import type { LineFigures } from "./log_lines.ts";
import { evaluateLogLines } from "./log_lines.ts";
import type { RealLogResult } from "./real_logs.ts";
import { evaluateRealLog, readRealLogs } from "./real_logs.ts";
import type { SentenceResult } from "./sentences.ts";
import { ENTITIES_OF, evaluateSentences, readConll, readSentences } from "./sentences.ts";

export interface Evaluation {
  readonly sentences: Readonly<Record<ConfigName, SentenceResult>>;
  /** What people wrote in public, never looked at while the detector was made. */
  readonly posts: Readonly<Record<ConfigName, SentenceResult>>;
  readonly logLines: Readonly<Record<string, LineFigures>>;
  readonly realLogs: Readonly<Record<ConfigName, Readonly<Record<string, RealLogResult>>>>;
}

export const CORPORA = join(import.meta.dirname, "../../../../shared/corpora");
export const KEPT_FILE = join(import.meta.dirname, "../../../docs/evaluation/pii.json");

export function evaluate(): Evaluation {
  const sentences = readSentences(join(CORPORA, "synth_dev.json"));
  const posts = readConll(join(CORPORA, "wnut17/emerging.dev.conll"));
  const logs = readRealLogs(CORPORA);
  return {
    sentences: perConfig((config) => evaluateSentences(sentences, config)),
    posts: perConfig((config) => evaluateSentences(posts, config)),
    logLines: evaluateLogLines("balanced"),
    realLogs: perConfig((config) =>
      Object.fromEntries(
        Object.entries(logs).map(([name, lines]) => [name, evaluateRealLog(lines, config)]),
      ),
    ),
  };
}

function perConfig<Value>(make: (config: ConfigName) => Value): Record<ConfigName, Value> {
  return Object.fromEntries(CONFIG_NAMES.map((name) => [name, make(name)])) as never;
}

const INTRODUCTION = `# How well personal data is found

Made by \`npm run eval:pii\`; a test fails when a figure falls. The corpora are not part of this
repository: 724 made-up sentences with marked spans from Microsoft's presidio-research (MIT), 16,002
lines of eight systems from loghub, 10,001 lines of an access log.

Counted token by token, as presidio-research does: words and numbers are tokens, punctuation is
none. *Personal or not* asks only whether a token was found; by type it must have been found as what
it is. F2 weighs recall four times as much as precision.

The model of names was trained on templates and word lists of its own, never on these sentences;
how readily it takes a word for a name (\`names\`) was set with a look at them, so expect somewhat
less on other text. The sentences are English, with names and addresses of many countries.
`;

const TYPES_NOTE = `
A type counts as found when an entity in its column stands there. Nothing stands for trades
(\`TITLE\`). Dates and URLs are looked for on request only, so only \`recall\` has them.
`;

export function evaluationPage(evaluation: Evaluation): string {
  const { sentences, posts, logLines, realLogs } = evaluation;
  let page = `${INTRODUCTION}\n## Sentences, personal or not\n\n`;
  page += table(
    ["configuration", "precision", "recall", "F1", "F2"],
    CONFIG_NAMES.map((name) => {
      const { precision, recall, f1, f2 } = sentences[name].overall;
      return [`\`${JSON.stringify(CONFIGS[name])}\``, precision, recall, f1, f2];
    }),
  );
  page += `\nPresidio's authors publish for their own sentences of this kind F2 0.618 (as it comes:
precision 0.685, recall 0.603) and 0.845 (tuned: 0.870, 0.839).\n`;
  page += `\n## Sentences, by type\n${TYPES_NOTE}\n`;
  page += table(
    ["type", "entities", "tokens", ...CONFIG_NAMES.map((name) => `${name}: P, R, F1, F2`)],
    Object.keys(sentences.recall.byType).map((type) => [
      type,
      ENTITIES_OF[type]!.map((entity) => `\`${entity}\``).join(", "),
      sentences.recall.byType[type]!.tokens,
      ...CONFIG_NAMES.map((name) => {
        const { precision, recall, f1, f2 } = sentences[name].byType[type]!;
        return [precision, recall, f1, f2].map((share) => share.toFixed(3)).join(", ");
      }),
    ]),
  );
  page += `\n## What people write in public\n
1,009 posts of WNUT 2017 (CC BY 4.0), a hard set of rare names in careless English. Nothing was
trained on them or set with a look at them. Persons, places and companies are marked; other
findings, such as user names that are marked as nothing, count as false, and words marked as works,
products or groups do not count.\n\n`;
  page += table(
    ["configuration", "what", "tokens", "precision", "recall", "F1", "F2"],
    CONFIG_NAMES.flatMap((name) =>
      [
        ["personal or not", posts[name].overall] as const,
        ...Object.entries(posts[name].byType),
      ].map(([what, { tokens, precision, recall, f1, f2 }]) => [
        ...[name, what, tokens, precision, recall, f1, f2],
      ]),
    ),
  );
  page += `\n## Log lines with values put in\n
20,000 lines from 18 templates, among numbers and identifiers that look alike, with
\`names: balanced\`. A finding is right when it is exactly the value.\n\n`;
  page += table(
    ["entity", "values", "precision", "recall", "F1", "F2"],
    Object.entries(logLines)
      .filter(([, { values }]) => values > 0)
      .map(([name, { values, precision, recall, f1, f2 }]) => [
        `\`${name}\``,
        ...[values, precision, recall, f1, f2],
      ]),
  );
  page += "\nFalse findings of other entities: ";
  const others = Object.entries(logLines).filter(([, { values }]) => values === 0);
  page += `${others.map(([name, { found }]) => `\`${name}\` ${found}`).join(", ") || "none"}.\n`;
  page += `\n## False findings in real logs\n
All but addresses of hosts and e-mail addresses, which are really there. \`recall\` is for what
people write, not for logs.\n\n`;
  page += table(
    ["log", "lines", "configuration", "false findings", "in 1,000 lines"],
    Object.keys(realLogs.precise).flatMap((log) =>
      CONFIG_NAMES.map((name) => {
        const { lines, falseFindings, falsePer1000Lines } = realLogs[name][log]!;
        const found = Object.entries(falseFindings).map(([entity, count]) => `${entity} ${count}`);
        return [log, lines, name, found.join(", ") || "none", falsePer1000Lines];
      }),
    ),
  );
  return page;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
