/** Templates to labelled texts. */
import { nationalities } from "../lexicon.ts";
import type { Label } from "../tagger.ts";
import { COVER } from "../words.ts";
import { Addresses } from "./addresses.ts";
import { capitalized, type Dice } from "./dice.ts";
import type { Gazetteer } from "./gazetteer.ts";
import { People } from "./people.ts";
import { PlainText } from "./plain_text.ts";
import { chooseVariant } from "./templates.ts";

export interface LabelledText {
  readonly text: string;
  readonly spans: readonly {
    readonly start: number;
    readonly end: number;
    readonly label: Label;
  }[];
}

interface Piece {
  readonly text: string;
  readonly label?: Label;
}

/** One piece in so many is covered: what was found before, and tokens, are so for the model. */
const COVERED_SHARE = 8;
/** One text in so many is without capitals, and one of so many in capitals. */
const SMALL_SHARE = 20;
const CAPITALS_SHARE = 40;

export class Filler {
  readonly #dice: Dice;
  readonly #plain: PlainText;
  readonly #makers: Readonly<Record<string, () => readonly Piece[]>>;

  constructor(names: Gazetteer, dice: Dice) {
    this.#dice = dice;
    this.#plain = new PlainText(names, dice);
    const people = new People(names, dice);
    const addresses = new Addresses(names, people, dice);
    const as = (label: Label, make: () => string) => () => [{ text: make(), label }];
    this.#makers = {
      person: as("person", () => people.whole()),
      first: as("person", () => people.first()),
      last: as("person", () => people.last()),
      initial: as("person", () => dice.letter()),
      org: as("organization", () => people.organization()),
      nationality: as("nationality", () => capitalized(dice.pick(nationalities))),
      street: as("address", () => addresses.street()),
      streetname: as("address", () => addresses.streetName()),
      streetcorner: as("address", () => `${addresses.streetName()} and ${addresses.streetName()}`),
      box: as("address", () => addresses.box()),
      postcode: as("address", () => addresses.postcode()),
      city: as("place", () => addresses.city()),
      state: as("place", () => addresses.state()),
      country: as("place", () => dice.pick(names.countries)),
      address: () => addresses.whole(),
    };
  }

  fill(template: string): LabelledText {
    const chosen = chooseVariant(template, (limit) => this.#dice.below(limit));
    let text = "";
    const spans: { start: number; end: number; label: Label }[] = [];
    for (const part of chosen.split(/(\{[a-z]+\d?\})/)) {
      for (const { text: piece, label } of this.#pieces(part)) {
        const isCovered = label !== undefined && this.#dice.oneIn(COVERED_SHARE);
        if (label !== undefined && !isCovered) {
          spans.push({ start: text.length, end: text.length + piece.length, label });
        }
        text += isCovered ? COVER : piece;
      }
    }
    if (this.#dice.oneIn(SMALL_SHARE)) return { text: text.toLowerCase(), spans };
    const capitals = text.toUpperCase();
    // `ß` becomes two letters, and the places would be wrong.
    const isCapitals = this.#dice.oneIn(CAPITALS_SHARE) && capitals.length === text.length;
    return { text: isCapitals ? capitals : text, spans };
  }

  #pieces(part: string): readonly Piece[] {
    if (!/^\{[a-z]+\d?\}$/.test(part)) return [{ text: part }];
    const name = part.slice(1, -1);
    const pieces = this.#makers[name]?.();
    if (pieces !== undefined) return pieces;
    const plain = this.#plain.make(name);
    if (plain === undefined) throw new Error(`no maker for {${name}}`);
    return [{ text: plain }];
  }
}
