/** Streets, towns and whole addresses of many countries. */
import { capitalized, type Dice, list } from "./dice.ts";
import type { Gazetteer } from "./gazetteer.ts";
import type { People } from "./people.ts";

const SUFFIXES = list(
  "Street St Road Rd Avenue Ave Lane Drive Dr Boulevard Blvd Way Court Place Square Terrace " +
    "Close Crescent Highway Parkway Trail Circle Row Gardens Grove Hill Extensions Heights Walk Flats",
);
const PREFIXES = list(
  "Rue Rue Avenue Chemin Place Calle Calle Avenida Plaza Carrera Via Via Viale Piazza Corso Rua " +
    "Rua Avenida Travessa ul. ul. Aleja Ulica Ulitsa Strada Bulevardul Jalan Odos",
);
const ENDINGS = list(
  "straße strasse weg platz gasse allee straat laan plein gatan vägen gata veien vej gade katu " +
    "tie backen stræti",
);
const BEHIND = list("u. út utca cd. sk. tér mnr dreef");
const UNITS = list("Apt. Suite Apt Unit Flat # Floor");
const QUARTERS = list("New East West North South Port Saint San Los Bad");
const TOWN_ENDINGS = list("ville burg stad ton ford by grad furt berg heim");
const POSTCODES = [
  ...["99999", "99999", "9999", "999999", "999 99", "99-999", "9999 AA"],
  ...["AA9 9AA", "AA99 9AA", "A9A 9A9"],
];
const BOXES = ["PO Box", "P.O. Box", "Box", "Postbox", "Postfach", "Apartado"];
const OFFICES = list("APO FPO DPO");
const REGIONS = list("AA AE AP");
const FORCES = list("Unit PSC CMR");
const SHIPS = list("USS USNS USCGC USNV");
const GAPS = [", ", ", ", "\n", "\n ", " ", "\n    "];

export interface Piece {
  readonly text: string;
  readonly label?: "address" | "place";
}

const space: Piece = { text: " " };

export class Addresses {
  readonly #names: Gazetteer;
  readonly #people: People;
  readonly #dice: Dice;

  constructor(names: Gazetteer, people: People, dice: Dice) {
    this.#names = names;
    this.#people = people;
    this.#dice = dice;
  }

  streetName(): string {
    const dice = this.#dice;
    const { lastNames, firstNames, cities, nouns } = this.#names;
    const word = capitalized(
      dice.pick(dice.pick([lastNames, lastNames, firstNames, cities, nouns])),
    );
    if (dice.oneIn(2)) return `${word} ${dice.pick(SUFFIXES)}`;
    if (dice.oneIn(5)) return word.split(" ")[0]! + dice.pick(ENDINGS);
    if (dice.oneIn(4)) return `${word} ${dice.pick(BEHIND)}`;
    const more = dice.oneIn(3) ? ` ${this.#people.last()}` : "";
    return `${dice.pick(PREFIXES)} ${word}${more}`;
  }

  street(): string {
    const dice = this.#dice;
    const name = this.streetName();
    const number = dice.digits(1, 4) + (dice.oneIn(8) ? dice.pick(["a", "b", "/2", "-12"]) : "");
    const both = dice.oneIn(2) ? `${number} ${name}` : `${name} ${number}`;
    // Some write two numbers: a building's and a house's.
    const leading = dice.oneIn(8) ? `${dice.digits(3, 5)} ${both}` : both;
    if (!dice.oneIn(4)) return leading;
    return leading + dice.pick([" ", ", ", "\n "]) + `${dice.pick(UNITS)} ${dice.digits(1, 3)}`;
  }

  postcode(): string {
    return this.#dice.shape(this.#dice.pick(POSTCODES));
  }

  city(): string {
    const dice = this.#dice;
    const city = dice.pick(this.#names.cities);
    if (dice.oneIn(8)) return `${dice.pick(QUARTERS)} ${city}`;
    if (!dice.oneIn(7)) return city;
    return capitalized(this.#people.last().toLowerCase()) + dice.pick(TOWN_ENDINGS);
  }

  state(): string {
    return this.#dice.oneIn(2) ? this.#dice.shape("AA") : this.#dice.pick(this.#names.states);
  }

  /** Post boxes, and how the American forces write theirs. */
  box(): string {
    const dice = this.#dice;
    if (dice.oneIn(2)) return `${dice.pick(BOXES)} ${dice.digits(2, 5)}`;
    const office = [dice.pick(OFFICES), dice.pick(REGIONS), dice.digits(5)].join(" ");
    const gap = dice.pick([" ", ", "]);
    const first = dice.oneIn(3)
      ? `${dice.pick(SHIPS)} ${this.#people.last()}`
      : `${dice.pick(FORCES)} ${dice.digits(4)}${gap}Box ${dice.digits(3, 4)}`;
    return first + dice.pick(["\n", ", ", " "]) + office;
  }

  whole(): Piece[] {
    const dice = this.#dice;
    if (dice.oneIn(12)) return [{ text: this.box(), label: "address" }];
    const gap: Piece = { text: dice.pick(GAPS) };
    const city: Piece = { text: this.city(), label: "place" };
    const code: Piece = { text: this.postcode(), label: "address" };
    const state: Piece = { text: dice.shape("AA"), label: "place" };
    const country: Piece = { text: dice.pick(this.#names.countries), label: "place" };
    const orders: readonly (readonly Piece[])[] = [
      [code, space, city],
      [city, { text: ", " }, state, space, code],
      [city, gap, country],
      [city, gap, country, space, code],
      [city, gap, state, gap, code],
      [code, space, city, gap, country],
      [city],
      [city, gap, code, gap, country],
    ];
    return [{ text: this.street(), label: "address" }, gap, ...dice.pick(orders)];
  }
}
