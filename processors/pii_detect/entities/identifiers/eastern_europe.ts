/** Identifiers of people in central and eastern Europe. */
import { weightedSum } from "../../checksums.ts";
import type { Entity } from "../entity.ts";
import { digitsOf, identifier, stdnum } from "./identifier.ts";

export const easternEurope: readonly Entity[] = [
  identifier("pl_pesel", "pl", "Polish PESEL number with its check digit", {
    words: "pesel|numer pesel|nr pesel",
    shape: /\d{11}/,
    isValid: stdnum("PL", "pesel"),
  }),
  identifier("pl_nip", "pl", "Polish tax number (NIP) with its check digit", {
    words: "nip|numer identyfikacji podatkowej|podatnik",
    shape: /\d{3}-?\d{3}-?\d{2}-?\d{2}/,
    isValid: stdnum("PL", "nip"),
  }),
  identifier(
    "cz_sk_birth_number",
    ["cz", "sk"],
    "Czech or Slovak birth number, with its check digit",
    {
      words: "rodné číslo|rodne cislo|rč|r.č|birth number",
      shape: /\d{6}\/?\d{3,4}/,
      isValid: stdnum("CZ", "rc"),
    },
  ),
  identifier("hu_personal_id", "hu", "Hungarian personal identifier with its check digit", {
    words: "személyi szám|szemelyi szam|személyi azonosító|szemelyi azonosito|személyazonosító",
    shape: /[1-8]-?\d{6}-?\d{4}/,
    isValid: isHungarianId,
  }),
  identifier("hu_tax_id", "hu", "Hungarian tax number of a person with its check digit", {
    words: "adóazonosító|adoazonosito|adóazonosító jel|adoazonosito jel|tax identification",
    shape: /8\d{9}/,
    isValid: (value) => weightedSum(value, [1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 === Number(value[9]),
  }),
  identifier("ro_cnp", "ro", "Romanian personal code (CNP) with its check digit", {
    words: "cnp|cod numeric personal|cod numeric",
    shape: /[1-9]\d{12}/,
    isValid: stdnum("RO", "cnp"),
  }),
  identifier("bg_egn", "bg", "Bulgarian civil number (EGN) with its check digit", {
    words: "egn|егн|единен граждански номер|civil number",
    shape: /\d{10}/,
    isValid: stdnum("BG", "egn"),
  }),
  identifier("gr_afm", "gr", "Greek tax number (AFM) with its check digit", {
    words: "afm|αφμ|α.φ.μ|αριθμός φορολογικού μητρώου|tin|vat",
    shape: /(?:EL ?)?\d{9}/i,
    isValid: stdnum("GR", "vat"),
  }),
  identifier("gr_amka", "gr", "Greek social security number (AMKA) with its Luhn digit", {
    words: "amka|αμκα|α.μ.κ.α",
    shape: /\d{11}/,
    isValid: stdnum("GR", "amka"),
  }),
  identifier("hr_oib", "hr", "Croatian personal number (OIB) with its check digit", {
    words: "oib|osobni identifikacijski broj|osobni broj",
    shape: /\d{11}/,
    isValid: stdnum("HR", "oib"),
  }),
  identifier("si_emso", "si", "Slovenian personal number (EMŠO) with its check digit", {
    words: "emso|emšo|enotna matična številka|jmbg",
    shape: /\d{13}/,
    isValid: stdnum("SI", "emso"),
  }),
  identifier("ee_isikukood", "ee", "Estonian personal code with its check digit", {
    words: "isikukood|ik|personal code",
    shape: /[1-8]\d{10}/,
    isValid: stdnum("EE", "ik"),
  }),
  identifier("lv_personas_kods", "lv", "Latvian personal code with its check digit", {
    words: "personas kods|pk|p.k|personal code",
    shape: /\d{6}-?\d{5}/,
    isValid: stdnum("LV", "pvn"),
  }),
  identifier("lt_asmens_kodas", "lt", "Lithuanian personal code with its check digit", {
    words: "asmens kodas|asmens kodą|asmens kodo|a.k",
    shape: /[1-9]\d{10}/,
    isValid: stdnum("LT", "asmens"),
  }),
];

/** Weights 1 to 10 for those born before 1997, 10 to 1 for those born since (Act LXXII of 1996). */
function isHungarianId(value: string): boolean {
  const digits = digitsOf(value);
  const rising = weightedSum(digits, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) % 11;
  const falling = weightedSum(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
  const check = Number(digits[10]);
  return rising === check || falling === check;
}
