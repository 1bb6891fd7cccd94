/** `npm run eval:dp`: measures, prints, and keeps the figures in docs/evaluation. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { evaluate, evaluationPage, KEPT_FILE } from "./evaluation.ts";

/** Records an hour, on average over the day. */
const RECORDS_AN_HOUR = 400;

const evaluation = await evaluate(RECORDS_AN_HOUR);
const page = evaluationPage(evaluation);
mkdirSync(dirname(KEPT_FILE), { recursive: true });
writeFileSync(KEPT_FILE, `${JSON.stringify(evaluation, undefined, 2)}\n`);
writeFileSync(KEPT_FILE.replace(/json$/, "md"), page);
console.log(page);
