/** What stands around names: words, dates, numbers, and all that programs write. */
import { COVER } from "../words.ts";
import { capitalized, type Dice, list } from "./dice.ts";
import type { Gazetteer } from "./gazetteer.ts";

const MONTHS = list(
  "January February March April May June July August September October November December",
);
const WEEKDAYS = list("Monday Tuesday Wednesday Thursday Friday Saturday Sunday");
const DEPARTMENTS = list("Sales Marketing Finance Legal IT HR Support Engineering");
const ACRONYMS = list(
  "IBAN ATM PIN SMS PDF URL API FAQ CEO VAT USB GPS IT HR TV PC ID OK ASAP FYI HTTP HTTPS JSON " +
    "XML CPU RAM DNS TCP UDP SSL TLS VPN JVM GC SQL CSV HTML RSA AES SHA UTC GMT EUR USD GBP AM " +
    "PM INFO WARN ERROR DEBUG FATAL TRACE GET POST PUT KERNEL RAS APP NULL TRUE FALSE",
);
const SMALL_WORDS = list(
  "the a an of to in on at by for with from and or but not is are was were be been has have had " +
    "do does did will would can could may might should must it its this that these those he she " +
    "they we you i me him her them us my your his our their who what where when why how all any " +
    "some no more most other such only own same so than too very just now here there then also " +
    "as if about into over after before between under again once because while both each few up " +
    "down out off",
);
const ONSETS = list(
  "b c d f g h j k l m n p r s t v w z br ch cl cr dr fl gr pl pr sh sl st th tr",
);
const VOWELS = list("a e i o u ai ea ee ie ou");
const CODAS = ["", "", ...list("n r s t ng ck ll ment tion ly ed ing er")];
const AGENTS = [
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) Safari/537",
  "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:27.0) Gecko/20100101 Firefox/27.0",
  "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 6_0 like Mac OS X) Version/6.0 Mobile/10A5376e",
  "curl/7.88.1",
  "kube-probe/1.29",
  "Opera/9.80 (X11; Linux x86_64) Presto/2.12.388 Version/12.16",
];

export class PlainText {
  readonly #names: Gazetteer;
  readonly #dice: Dice;
  readonly #makers: Readonly<Record<string, () => string>>;

  constructor(names: Gazetteer, dice: Dice) {
    this.#names = names;
    this.#dice = dice;
    const { nouns, verbs, adjectives } = names;
    const noun = () => dice.pick(nouns);
    this.#makers = {
      noun,
      verb: () => dice.pick(verbs),
      adjective: () => dice.pick(adjectives),
      number: () => dice.digits(1, 6),
      number2: () => String(1 + dice.below(28)),
      age: () => String(18 + dice.below(70)),
      year: () => String(1900 + dice.below(126)),
      month: () => dice.pick(MONTHS),
      month3: () => dice.pick(MONTHS).slice(0, 3),
      weekday: () => dice.pick(WEEKDAYS),
      weekday3: () => dice.pick(WEEKDAYS).slice(0, 3),
      department: () => dice.pick(DEPARTMENTS),
      date: () => this.#date(),
      time: () => `${dice.twoDigits(24)}:${dice.twoDigits(60)}:${dice.twoDigits(60)}`,
      ip: () => COVER,
      email: () => COVER,
      phone: () =>
        dice.oneIn(2) ? COVER : `+${dice.digits(2)} ${dice.digits(3)} ${dice.digits(6, 7)}`,
      class: () => capitalized(noun()) + capitalized(noun()),
      method: () => dice.pick(verbs) + capitalized(noun()),
      module: () => noun() + dice.pick([".", "-", "_"]) + noun(),
      useragent: () => dice.pick(AGENTS),
      words: () => this.#words(2 + dice.below(8)),
      heading: () =>
        this.#words(2 + dice.below(7))
          .split(" ")
          .map(capitalized)
          .join(" "),
      acronym: () => dice.pick(ACRONYMS),
      hex: () =>
        Array.from({ length: 6 + dice.below(20) }, () => dice.below(16).toString(16)).join(""),
      stamp: () => this.#stamp(),
    };
  }

  /** Undefined when there is no such place. */
  make(name: string): string | undefined {
    return this.#makers[name]?.();
  }

  /** Common words in any order: what is no name in no sentence that anybody thought of. */
  #words(count: number): string {
    const dice = this.#dice;
    return Array.from({ length: count }, () => {
      if (dice.oneIn(12)) return this.#invented();
      return dice.oneIn(3) ? dice.pick(SMALL_WORDS) : dice.pick(this.#names.common).toLowerCase();
    }).join(" ");
  }

  /** What sounds like a word. */
  #invented(): string {
    const dice = this.#dice;
    const syllable = (): string => dice.pick(ONSETS) + dice.pick(VOWELS);
    return syllable() + syllable() + (dice.oneIn(2) ? syllable() : "") + dice.pick(CODAS);
  }

  /** A time as logs begin with it. */
  #stamp(): string {
    const dice = this.#dice;
    const two = (limit: number): string => dice.twoDigits(limit);
    const time = this.#makers.time!();
    const dotted = time.replaceAll(":", ".");
    const year = String(2000 + dice.below(30));
    const month = dice.pick(MONTHS).slice(0, 3);
    const monthDay = `${two(13)}-${two(29)}`;
    return dice.pick([
      `${month} ${two(29)} ${time}`,
      `${year}-${monthDay} ${time},${dice.digits(3)}`,
      `${monthDay} ${time}.${dice.digits(3)} ${dice.digits(3, 4)} ${dice.digits(3, 4)}`,
      `${dice.digits(6)} ${dice.digits(6)} ${dice.digits(1, 4)}`,
      `${year.slice(2)}/${monthDay.replace("-", "/")} ${time}`,
      `[${dice.pick(WEEKDAYS).slice(0, 3)} ${month} ${two(29)} ${time} ${year}]`,
      `- ${dice.digits(10)} ${year}.${monthDay.replace("-", ".")} R${two(80)}-M1-N0-C:J12-U01 ` +
        `${year}-${monthDay}-${dotted}.${dice.digits(6)}`,
      `${year}${monthDay.replace("-", "")}-${time}:${dice.digits(3)}`,
    ]);
  }

  #date(): string {
    const dice = this.#dice;
    const day = 1 + dice.below(28);
    const month = dice.below(12);
    const year = 1950 + dice.below(77);
    const pad = (value: number): string => String(value).padStart(2, "0");
    return dice.pick([
      `${year}-${pad(month + 1)}-${pad(day)}`,
      `${pad(day)}/${pad(month + 1)}/${year}`,
      `${day} ${MONTHS[month]} ${year}`,
      `${MONTHS[month]} ${day}, ${year}`,
      `${pad(day)}/${MONTHS[month]!.slice(0, 3)}/${year}`,
    ]);
  }
}
