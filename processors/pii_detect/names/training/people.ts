/** Persons as people and programs write them, and what they are members of. */
import { capitalized, type Dice, list } from "./dice.ts";
import type { Gazetteer } from "./gazetteer.ts";

const TITLES = list("Mr. Mrs. Ms. Dr. Prof. Mr Ms");
const PARTICLES = ["van", "de", "von", "del", "al", "di", "van der"];
/** Endings that most names of some languages have, on stems that no list holds. */
const ENDINGS = list(
  "ov ova ev eva in ina sky ski ska enko uk ic ić ović son sen sson dóttir escu ides poulos ez",
);
const PARTS = list(
  "cloud data soft net info tech meta open solar bright quick nova terra aqua geo micro blue red " +
    "north star link smart cyber bio agri medi fin pay trade auto rail air sea food home shop " +
    "gold iron silver green wind spark pulse core edge logic vision path mind wave",
);
const TAILS = list(
  "ly list made hub works base ify scape lab labs soft ware ium eon ster point gate line mark " +
    "port craft forge dyn ex cast well path shift ion wise",
);
const LEGAL = list("Inc. LLC Ltd Limited plc Corp GmbH AG S.A. SpA BV AB Oy AS Group Holdings");
const INSTITUTES = list("University Institute Bank Ministry Association Museum Council");
const TRADES = list(
  "Solutions Systems Technologies Media Partners Airlines Foods Motors Insurance Energy",
);

export class People {
  readonly #names: Gazetteer;
  readonly #dice: Dice;

  constructor(names: Gazetteer, dice: Dice) {
    this.#names = names;
    this.#dice = dice;
  }

  first(): string {
    return this.#dice.pick(this.#names.firstNames);
  }

  last(): string {
    const dice = this.#dice;
    const last = dice.pick(this.#names.lastNames);
    if (dice.oneIn(40)) return `O'${last}`;
    if (dice.oneIn(40)) return `Mc${last}`;
    if (dice.oneIn(40)) return `${dice.pick(PARTICLES)} ${last}`;
    if (dice.oneIn(6)) return last.replace(/[aeiouyąęó]+$/i, "") + dice.pick(ENDINGS);
    return last;
  }

  whole(): string {
    const dice = this.#dice;
    const first = this.first();
    const last = this.last();
    const forms = [
      first,
      last,
      `${first} ${dice.letter()}${dice.oneIn(2) ? "." : ""} ${last}`,
      `${first} ${this.first()} ${last}`,
      `${first} ${last}-${this.last()}`,
      `${dice.pick(TITLES)} ${first} ${last}`,
      first,
      first,
    ];
    return dice.oneIn(5) || dice.oneIn(4) ? dice.pick(forms) : `${first} ${last}`;
  }

  organization(): string {
    const dice = this.#dice;
    const { lastNames, nouns, cities } = this.#names;
    const part = capitalized(dice.pick(PARTS));
    const noun = capitalized(dice.pick(nouns));
    const last = () => dice.pick(lastNames);
    return dice.pick([
      () => `${last()} ${dice.pick(LEGAL)}`,
      () => `${last()}, ${last()} and ${last()}`,
      () => `${dice.pick(INSTITUTES)} of ${dice.pick(cities)}`,
      () => part + dice.pick(TAILS),
      () => `${part}${dice.pick(TAILS)} ${dice.pick(LEGAL)}`,
      () => `${noun} ${dice.pick(TRADES)}`,
      () => dice.shape(dice.pick(["AAA", "AAAA"])),
      () => part + noun,
      () => `${dice.pick(cities)} ${dice.pick(INSTITUTES)}`,
    ])();
  }
}
