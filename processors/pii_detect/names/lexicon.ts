/**
 * What is known of single words: given names, family names, places and common English words as Bloom
 * filters, and short lists of what belongs to addresses and organisations.
 *
 * A filter says of one other word in a hundred that it is in it; the model weighs that.
 */

/** Bits of {@link Lexicon.kindsOf}. */
export const FIRST_NAME = 1;
export const LAST_NAME = 2;
export const PLACE = 4;
export const COMMON = 8;
export const STREET = 16;
export const COMPANY = 32;
export const TITLE = 64;
export const NATIONALITY = 128;

/** In this order in the model's file. */
export const FILTER_KINDS = [FIRST_NAME, LAST_NAME, PLACE, COMMON] as const;
export const FILTER_BYTES = 64 * 1024;
const FILTER_BITS = FILTER_BYTES * 8;
const HASHES = 2;

const STREETS =
  "street st road rd avenue ave av lane ln drive dr boulevard blvd way court ct place pl square sq " +
  "terrace ter close crescent highway hwy parkway pkwy alley trail circle row mews gardens grove " +
  "hill apt apartment suite unit flat floor box po pobox building bldg block strasse straße str weg " +
  "platz allee gasse ufer ring rue chemin impasse quai cours allée calle avenida plaza paseo " +
  "carrera camino via viale piazza corso largo vicolo rua travessa estrada praça straat laan plein " +
  "dreef gata gatan gate vägen väg vei veien vej gade tie katu tee tänav iela gatve ulica ul aleja " +
  "ulice náměstí nám utca út tér strada bulevardul sokak cadde caddesi mahallesi ulitsa prospekt " +
  "odos jalan jl apo fpo dpo psc cmr corner";
const COMPANIES =
  "inc incorporated llc ltd limited plc corp corporation co company gmbh ag kg ohg sa sas sarl srl " +
  "spa bv nv ab oy as aps kft sro zrt pty group holding holdings partners bank university institute " +
  "foundation association society ministry agency council committee airlines insurance systems " +
  "technologies solutions consulting industries laboratories labs motors pharmaceuticals media";
const TITLES =
  "mr mrs ms miss mx dr prof professor doctor sir madam lady lord rev reverend father sister herr " +
  "frau monsieur madame mme mlle señor señora sr sra signor signora judge captain officer senator " +
  "president minister nurse coach detective sergeant colonel general";
const NATIONALITIES =
  "afghan albanian algerian american angolan argentine argentinian armenian australian austrian " +
  "azerbaijani bangladeshi belarusian belgian bolivian bosnian brazilian british bulgarian burmese " +
  "cambodian cameroonian canadian chilean chinese colombian congolese croatian cuban cypriot czech " +
  "danish dutch ecuadorian egyptian english estonian ethiopian filipino finnish french georgian " +
  "german ghanaian greek guatemalan haitian honduran hungarian icelandic indian indonesian iranian " +
  "iraqi irish israeli italian ivorian jamaican japanese jordanian kazakh kenyan korean kuwaiti " +
  "latvian lebanese libyan lithuanian luxembourgish macedonian malaysian maltese mexican moldovan " +
  "mongolian montenegrin moroccan mozambican namibian nepalese nicaraguan nigerian norwegian omani " +
  "pakistani palestinian panamanian paraguayan persian peruvian polish portuguese qatari romanian " +
  "russian rwandan salvadoran saudi scottish senegalese serbian singaporean slovak slovenian somali " +
  "spanish sudanese swedish swiss syrian taiwanese tanzanian thai tunisian turkish ugandan ukrainian " +
  "uruguayan uzbek venezuelan vietnamese welsh yemeni zambian zimbabwean european african asian " +
  "arab jewish muslim christian catholic buddhist hindu sikh greenlandic flemish basque catalan";

const LISTS = new Map<string, number>();
for (const [kind, words] of [
  [STREET, STREETS],
  [COMPANY, COMPANIES],
  [TITLE, TITLES],
  [NATIONALITY, NATIONALITIES],
] as const) {
  for (const word of words.split(" ")) LISTS.set(word, (LISTS.get(word) ?? 0) | kind);
}

export const nationalities: readonly string[] = NATIONALITIES.split(" ");

export class Lexicon {
  readonly #filters: readonly Uint8Array[];

  /** One filter of {@link FILTER_BYTES} for each of {@link FILTER_KINDS}. */
  constructor(filters: readonly Uint8Array[]) {
    this.#filters = filters;
  }

  /** The kinds that the lower-case word belongs to. */
  kindsOf(word: string): number {
    return (LISTS.get(word) ?? 0) | this.listed(hashOf(word));
  }

  /** The kinds of the filters alone, for the {@link hashOf} a lower-case word. */
  listed(hash: number): number {
    let kinds = 0;
    for (let index = 0; index < this.#filters.length; index++) {
      if (contains(this.#filters[index]!, hash)) kinds |= FILTER_KINDS[index]!;
    }
    return kinds;
  }
}

export function addTo(filter: Uint8Array, word: string): void {
  const hash = hashOf(word);
  for (let index = 0; index < HASHES; index++) {
    const bit = bitOf(hash, index);
    filter[bit >> 3]! |= 1 << (bit & 7);
  }
}

function contains(filter: Uint8Array, hash: number): boolean {
  for (let index = 0; index < HASHES; index++) {
    const bit = bitOf(hash, index);
    if ((filter[bit >> 3]! & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}

function bitOf(hash: number, index: number): number {
  return Math.imul(hash ^ (hash >>> 15), index === 0 ? 0x2c1b3c6d : 0x297a2d39) >>> (32 - 19);
}

/** FNV-1a over the code units. */
export function hashOf(text: string): number {
  let hash = HASH_START;
  for (let index = 0; index < text.length; index++) hash = hashNext(hash, text.charCodeAt(index));
  return hash >>> 0;
}

export const HASH_START = 0x811c9dc5;

export function hashNext(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

if (FILTER_BITS !== 1 << 19) throw new Error("the filters and their hash do not fit");
