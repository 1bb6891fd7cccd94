/** Identifiers of people in western, southern and northern Europe. */
import { isLuhn, isVerhoeff, weightedSum } from "../../checksums.ts";
import type { Entity } from "../entity.ts";
import { digitsOf, identifier, stdnum } from "./identifier.ts";

export const westernEurope: readonly Entity[] = [
  identifier("uk_nhs", "uk", "NHS number of the United Kingdom with its check digit", {
    words: "nhs|nhs number|nhs no|national health|patient",
    shape: /\d{3}[ -]?\d{3}[ -]?\d{4}/,
    isValid: isNhs,
  }),
  identifier("uk_nino", "uk", "National insurance number of the United Kingdom", {
    words: "nino|ni number|ni no|national insurance|insurance number",
    shape: /[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]/i,
    isValid: stdnum("GB", "nino"),
  }),
  identifier("uk_utr", "uk", "Unique taxpayer reference of the United Kingdom", {
    words: "utr|unique taxpayer|taxpayer reference|tax reference|self assessment",
    shape: /\d{5} ?\d{5}/,
    isValid: stdnum("GB", "utr"),
  }),
  identifier("uk_driving_licence", "uk", "Driving licence of Great Britain, by its structure", {
    words: "driving licence|driver licence|licence number|licence no|dvla|driver number",
    shape: /[A-Z9]{5}\d[0156]\d(?:0[1-9]|[12]\d|3[01])\d[A-Z9]{2}\d[A-Z]{2}/i,
    score: 0.85,
  }),
  identifier("ie_pps", "ie", "Irish personal public service number with its check letter", {
    words: "pps|ppsn|pps number|personal public service|rsi number",
    shape: /\d{7}[A-W][A-IW]?/i,
    isValid: stdnum("IE", "pps"),
  }),
  identifier("fr_nir", "fr", "French social security number (NIR) with its key", {
    words:
      "nir|sécurité sociale|securite sociale|numéro de sécu|numero de secu|insee|carte vitale|sécu",
    shape: /[12378] ?\d{2} ?(?:0[1-9]|[1-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}/i,
    isValid: stdnum("FR", "nir"),
  }),
  identifier("fr_tax_id", "fr", "French tax number (numéro fiscal, SPI)", {
    words: "nif|spi|numéro fiscal|numero fiscal|référence fiscale|reference fiscale",
    shape: /[0-3]\d ?\d{2} ?\d{3} ?\d{3} ?\d{3}/,
    isValid: stdnum("FR", "nif"),
  }),
  identifier("de_tax_id", "de", "German tax identification number with its check digit", {
    words: "steuer id|steuerid|steueridentifikationsnummer|steuer identifikationsnummer|idnr|tin",
    shape: /[1-9]\d ?\d{3} ?\d{3} ?\d{3}/,
    isValid: stdnum("DE", "idnr"),
  }),
  identifier("de_pension", "de", "German pension insurance number", {
    words:
      "rentenversicherungsnummer|versicherungsnummer|sozialversicherungsnummer|rvnr|svnr|" +
      "sv nummer|rv nummer",
    shape: /\d{2} ?(?:0[1-9]|[1-9]\d)(?:0[1-9]|1[0-2])\d{2} ?[A-Z] ?\d{3}/i,
    isValid: stdnum("DE", "svnr"),
  }),
  identifier("de_health", "de", "German health insurance number (KVNR) with its check digit", {
    words: "krankenversicherungsnummer|versichertennummer|kvnr|krankenkasse|kv nummer|egk",
    shape: /[A-Z]\d{9}/i,
    isValid: isKvnr,
  }),
  identifier("de_id_card", "de", "German identity card or passport number", {
    words: "personalausweis|personalausweisnummer|ausweisnummer|ausweis|reisepass|reisepassnummer",
    shape: /[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ\d]{7}\d\d?D?/,
    isValid: (value) => /\d.*\d/.test(value),
    score: 0.6,
  }),
  identifier("es_dni", "es", "Spanish identity number (DNI, NIF) with its check letter", {
    words: "dni|nif|documento nacional|documento de identidad|identidad|d.n.i|n.i.f",
    shape: /\d{2}\.?\d{3}\.?\d{3}[ -]?[A-HJ-NP-TV-Z]/i,
    isValid: stdnum("ES", "dni"),
  }),
  identifier("es_nie", "es", "Spanish identity number of foreigners with its check letter", {
    words: "nie|nif|extranjero|número de identidad|numero de identidad|n.i.e",
    shape: /[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z]/i,
    isValid: stdnum("ES", "nie"),
  }),
  identifier("es_cif", "es", "Spanish company tax number (CIF)", {
    words: "cif|nif|c.i.f|empresa",
    shape: /[A-HJNP-SUVW][ -]?\d{7}[ -]?[\dA-J]/i,
    isValid: stdnum("ES", "cif"),
  }),
  identifier("es_social_security", "es", "Spanish social security number with its check digits", {
    words: "nuss|naf|nss|seguridad social|afiliación|afiliacion",
    shape: /\d{2}[ /-]?\d{7,8}[ /-]?\d{2}/,
    isValid: stdnum("ES", "nss"),
  }),
  identifier("it_fiscal_code", "it", "Italian fiscal code with its check letter", {
    words: "codice fiscale|cod fiscale|c.f|cf|fiscal code|tax code",
    shape: /[A-Z]{6}[\dLMNP-V]{2}[ABCDEHLMPRST][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z]/i,
    isValid: stdnum("IT", "codicefiscale"),
  }),
  identifier("it_vat", "it", "Italian VAT number with its Luhn digit", {
    words: "partita iva|p.iva|p iva|piva|iva",
    shape: /\d{11}/,
    isValid: stdnum("IT", "iva"),
  }),
  identifier("pt_nif", "pt", "Portuguese tax number (NIF) with its check digit", {
    words: "nif|contribuinte|identificação fiscal|identificacao fiscal|nipc",
    shape: /[1-35-9]\d{2} ?\d{3} ?\d{3}/,
    isValid: stdnum("PT", "nif"),
  }),
  identifier("pt_citizen_card", "pt", "Portuguese citizen card number with its check digit", {
    words:
      "cartão de cidadão|cartao de cidadao|cartão do cidadão|citizen card|bilhete de identidade",
    shape: /\d{8} ?\d ?[A-Z\d]{2}\d/i,
    isValid: stdnum("PT", "cc"),
  }),
  identifier("nl_bsn", "nl", "Dutch citizen service number (BSN), by its eleven-test", {
    words: "bsn|burgerservicenummer|sofinummer|sofi nummer|service number|citizen service",
    shape: /\d{4}[. ]?\d{2}[. ]?\d{3}|\d{8}/,
    isValid: stdnum("NL", "bsn"),
  }),
  identifier("be_national_number", "be", "Belgian national register number with its check digits", {
    words:
      "rijksregisternummer|rijksregister|insz|niss|numéro national|numero national|registre national" +
      "|national number|nationalregister|national register",
    shape: /\d{2}\.?\d{2}\.?\d{2}-?\d{3}\.?\d{2}/,
    isValid: stdnum("BE", "nn"),
  }),
  identifier("lu_national_id", "lu", "Luxembourg identification number with both check digits", {
    words:
      "matricule|numéro d'identification|numero d'identification|identification number|ccss|cns",
    shape: /(?:19|20)\d{2} ?(?:0[1-9]|1[0-2]) ?(?:0[1-9]|[12]\d|3[01]) ?\d{3} ?\d{2}/,
    isValid: isLuxembourgId,
  }),
  identifier("at_social_security", "at", "Austrian social insurance number with its check digit", {
    words: "svnr|sozialversicherungsnummer|versicherungsnummer|sv nummer|ecard|vsnr",
    shape: /[1-9]\d{3}[ -]?\d{6}/,
    isValid: stdnum("AT", "vnr"),
  }),
  identifier("ch_ahv", "ch", "Swiss social security number (AHV, AVS) with its check digit", {
    words: "ahv|avs|ahv nummer|ahvn13|sozialversicherungsnummer|numéro avs|numero avs|navs",
    shape: /756\.?\d{4}\.?\d{4}\.?\d{2}/,
    isValid: stdnum("CH", "ssn"),
  }),
  identifier("se_personnummer", "se", "Swedish personal number with its Luhn digit", {
    words: "personnummer|personnr|samordningsnummer|pnr|personal number|personal identity",
    shape: /(?:19|20)?\d{6}[-+]?\d{4}/,
    isValid: stdnum("SE", "personnummer"),
  }),
  identifier("fi_hetu", "fi", "Finnish personal identity code with its check character", {
    words: "henkilötunnus|henkilotunnus|hetu|sotu|personbeteckning|personal identity code",
    shape: /\d{6}[-+ABCDEFUVWXY]\d{3}[\dA-Y]/i,
    isValid: stdnum("FI", "hetu"),
  }),
  identifier("no_fodselsnummer", "no", "Norwegian birth number with both check digits", {
    words: "fødselsnummer|fodselsnummer|fnr|personnummer|d nummer|birth number",
    shape: /\d{6}[ -]?\d{5}/,
    isValid: stdnum("NO", "fodselsnummer"),
  }),
  // The check digit is not given to all people born since 2007, so only the date is looked at.
  identifier("dk_cpr", "dk", "Danish personal number (CPR), by its date", {
    words: "cpr|cpr nummer|cprnr|personnummer|cpr number",
    shape: /(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}[ -]?\d{4}/,
    score: 0.75,
  }),
];

/** Modulus 11 over ten digits; a remainder that would give 10 is never issued. */
function isNhs(value: string): boolean {
  const digits = digitsOf(value);
  const check = 11 - (weightedSum(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  return check !== 10 && check % 11 === Number(digits[9]);
}

/** The letter as two digits, then Luhn from the left (section 290 SGB V). */
function isKvnr(value: string): boolean {
  const letter = value.toUpperCase().charCodeAt(0) - 0x40;
  const digits = String(letter).padStart(2, "0") + value.slice(1);
  let sum = 0;
  for (const [index, digit] of Array.from(digits.slice(0, -1), Number).entries()) {
    const weighted = index % 2 === 0 ? digit : digit * 2;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10 === Number(digits.at(-1));
}

/** Luhn over the first twelve digits, Verhoeff over the first eleven and the last. */
function isLuxembourgId(value: string): boolean {
  const digits = digitsOf(value);
  return isLuhn(digits.slice(0, 12)) && isVerhoeff(digits.slice(0, 11) + digits[12]);
}
