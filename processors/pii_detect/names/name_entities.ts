/** What the model finds, as rows of the entity table. */
import type { Entity, Nearby } from "../entities/entity.ts";
import type { Label } from "./tagger.ts";

/** A row without code of its own: see name_search.ts. */
function byModel(name: string, description: string, field?: Omit<Nearby, "score">): Entity {
  const row = { name, description, tier: "D", nature: "identifying", triggers: [] } as const;
  return field === undefined ? row : { ...row, nearby: { ...field, score: 0.75 } };
}

const LETTER = "[A-Za-z\\u00c0-\\u024f\\u0370-\\u052f]";
/** One to five words; those after the first begin with a capital, or are `van`, `de` and so on. */
const PERSON = new RegExp(
  `${LETTER}(?:[.'’-]?${LETTER}){0,20}\\.?(?: (?:[A-Z\\u00c0-\\u00de\\u0386-\\u042f](?:[.'’-]?${LETTER}){0,20}\\.?|` +
    "de|da|di|du|van|von|der|den|del|la|le|al|bin|ibn|zu)){0,4}|" +
    "[\\u3040-\\u30ff\\u4e00-\\u9fff\\uac00-\\ud7af]{2,12}",
);
const STREET = /(?=[^"=;|&<>{}\n]{0,40}\d)[\w\u00c0-\u024f][^"=;|&<>{}\n]{3,58}[\w.\u00c0-\u024f]/;

export const LABEL_ENTITIES: Readonly<Record<Exclude<Label, "none">, Entity>> = {
  person: byModel("person_name", "name of a person, with its title", {
    fields:
      "first name|given name|forename|middle name|last name|surname|family name|maiden name|" +
      "full name|customer name|client name|patient name|patient|employee name|contact name|" +
      "contact person|recipient|recipient name|sender name|cardholder|card holder|" +
      "cardholder name|account holder|billing name|shipping name|beneficiary|guest name|" +
      "passenger|passenger name|applicant|subscriber name|owner name|display name|" +
      "vorname|nachname|familienname|prénom|nom de famille|nombre completo|apellido|apellidos|" +
      "cognome|sobrenome|voornaam|achternaam|förnamn|efternamn|fornavn|etternavn|etunimi|" +
      "sukunimi|imię|nazwisko|jméno|příjmení|keresztnév|vezetéknév|имя|фамилия|姓名|氏名|이름",
    shape: PERSON,
  }),
  address: byModel("street_address", "street and house, post box, the postcode beside a town", {
    fields:
      "street address|address line|address line 1|address line 2|address1|address2|" +
      "billing address|shipping address|delivery address|home address|mailing address|" +
      "postal address|residential address|customer address|anschrift|wohnadresse|" +
      "lieferadresse|rechnungsadresse|adresse postale|dirección|domicilio|indirizzo|endereço|" +
      "woonadres|osoite|住所|地址|주소",
    shape: STREET,
  }),
  place: byModel("location", "town, state or country (`names: balanced` and `recall`)"),
  organization: byModel("organization", "company or institution (`names: balanced` and `recall`)"),
  nationality: byModel("nationality", "people or faith (`names: balanced` and `recall`)"),
};

export const nameEntities: readonly Entity[] = Object.values(LABEL_ENTITIES);
