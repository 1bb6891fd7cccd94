/** Records by day as bars: without a script, and with a text for those who cannot see it. */
import { number } from "./evidence.ts";
import type { Markup } from "./markup.ts";
import { html } from "./markup.ts";

export interface Day {
  readonly day: string;
  readonly records: number;
}

const WIDTH = 900;
const HEIGHT = 150;
const BASE = 122;
const TOP = 18;
/** With more days than this, neighbours share a bar. */
const BARS_MAX = 120;
const DAY_MS = 86_400_000;

/** Days without a record are shown, too. `days` are in order. */
export function dayChart(days: readonly Day[]): Markup | undefined {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  const span = (Date.parse(last.day) - Date.parse(first.day)) / DAY_MS + 1;
  const daysInBar = Math.ceil(span / BARS_MAX);
  const bars = new Array<number>(Math.ceil(span / daysInBar)).fill(0);
  for (const { day, records } of days) {
    const at = Math.floor((Date.parse(day) - Date.parse(first.day)) / DAY_MS / daysInBar);
    bars[at]! += records;
  }
  const most = Math.max(...bars);
  const step = WIDTH / bars.length;
  const width = Math.min(Math.max(step - 2, 1), 48);
  const shapes = bars.map((records, at) => {
    const height = Math.max((records / most) * (BASE - TOP), records > 0 ? 1 : 0);
    const [x, y, w, h] = [at * step + (step - width) / 2, BASE - height, width, height].map(round);
    return html`<rect x="${x}" y="${y}" width="${w}" height="${h}"/>`;
  });
  const unit = daysInBar === 1 ? "day" : `${daysInBar} days`;
  const label = `Records sealed by ${unit}, from ${first.day} to ${last.day}; at most ${most}.`;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
<text x="0" y="11">${number(most)} records a ${unit} at most</text>
<line x1="0" x2="${WIDTH}" y1="${BASE}" y2="${BASE}"/>
${shapes}
<text x="0" y="${BASE + 16}">${first.day}</text>
<text x="${WIDTH}" y="${BASE + 16}" text-anchor="end">${last.day}</text>
</svg>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
