/** Identifiers of people in Asia, Africa, Turkey, Australia and New Zealand. */
import { isVerhoeff, weightedSum } from "../../checksums.ts";
import type { Entity } from "../entity.ts";
import { digitsOf, identifier, stdnum } from "./identifier.ts";

export const asiaAfricaPacific: readonly Entity[] = [
  identifier("in_aadhaar", "in", "Indian Aadhaar number with its Verhoeff digit", {
    words: "aadhaar|aadhar|adhaar|uid|uidai|आधार",
    shape: /[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}/,
    isValid: stdnum("IN", "aadhaar"),
  }),
  identifier("in_pan", "in", "Indian permanent account number (PAN), by the type of its holder", {
    words: "pan|permanent account|pan card|pan no|pan number|income tax",
    shape: /[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]/i,
    isValid: stdnum("IN", "pan"),
  }),
  identifier("in_gstin", "in", "Indian goods and services tax number with its check character", {
    words: "gstin|gst|gst no|gst number",
    shape: /\d{2}[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[\dA-Z]/i,
    isValid: stdnum("IN", "gstin"),
  }),
  identifier("in_voter_id", "in", "Indian voter card number (EPIC)", {
    words: "epic|voter|voter id|elector|electoral",
    shape: /[A-Z]{3}\d{7}/i,
    isValid: stdnum("IN", "epic"),
  }),
  identifier("cn_resident_id", "cn", "Chinese resident identity number with its check character", {
    words:
      "身份证|身份证号|身份號碼|居民身份证|id card|identity card|id number|shenfenzheng|resident id",
    shape: /[1-9]\d{5}(?:18|19|20)\d{9}[\dX]/i,
    isValid: stdnum("CN", "ric"),
  }),
  identifier("hk_id", "hk", "Hong Kong identity card number with its check character", {
    words: "hkid|身份證|香港身份證|identity card|id card|hk id",
    shape: /[A-NP-Z]{1,2}\d{6} ?(?:\([\dA]\)|[\dA])/i,
    isValid: (value) => isHongKongId(value.replace(/[()]/g, "")),
  }),
  identifier("tw_national_id", "tw", "Taiwanese national identity number with its check digit", {
    words: "身分證|身分證字號|身份證字號|national id|id number|identity card",
    shape: /[A-Z][1-289]\d{8}/i,
    isValid: stdnum("TW", "natid"),
  }),
  identifier("jp_my_number", "jp", "Japanese individual number (My Number) with its check digit", {
    words: "my number|mynumber|マイナンバー|個人番号|individual number",
    shape: /\d{4}[ -]?\d{4}[ -]?\d{4}/,
    isValid: isMyNumber,
  }),
  identifier("kr_rrn", "kr", "Korean resident registration number, by its date", {
    words: "rrn|주민등록번호|주민번호|resident registration|registration number",
    shape: /\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-?\d{7}/,
    score: 0.8,
  }),
  identifier("sg_nric", "sg", "Singapore NRIC or FIN with its check letter", {
    words: "nric|fin|nric no|identity card|ic number|ic no",
    shape: /[STFGM]\d{7}[A-Z]/i,
    isValid: isNric,
  }),
  identifier("th_national_id", "th", "Thai identity number with its check digit", {
    words: "บัตรประชาชน|เลขประจำตัวประชาชน|เลขบัตรประชาชน|thai id|national id|id card|citizen id",
    shape: /[1-8]-?\d{4}-?\d{5}-?\d{2}-?\d/,
    isValid: stdnum("TH", "idnr"),
  }),
  identifier("tr_identity_number", "tr", "Turkish identity number with both check digits", {
    words: "tckn|tc kimlik|t.c. kimlik|kimlik no|kimlik numarası|kimlik numarasi|kimlik",
    shape: /[1-9]\d{10}/,
    isValid: stdnum("TR", "tckimlik"),
  }),
  identifier("il_id", "il", "Israeli identity number with its Luhn digit", {
    words: "teudat zehut|mispar zehut|תעודת זהות|מספר זהות|zehut|israeli id|id number|national id",
    shape: /\d{9}/,
    isValid: stdnum("IL", "idnr"),
  }),
  identifier("za_id", "za", "South African identity number with its date and Luhn digit", {
    words: "sa id|id number|id no|identity number|rsa id|south african id|identiteitsnommer",
    shape: /\d{6} ?\d{4} ?[01]\d{2}/,
    isValid: stdnum("ZA", "idnr"),
  }),
  identifier("ng_nin", "ng", "Nigerian national identification number with its check digit", {
    words: "nin|national identification|national identity|nimc",
    shape: /[1-9]\d{10}/,
    isValid: isVerhoeff,
  }),
  identifier("au_tfn", "au", "Australian tax file number with its check digit", {
    words: "tfn|tax file|tax file number",
    shape: /\d{3} ?\d{3} ?\d{2,3}/,
    isValid: stdnum("AU", "tfn"),
  }),
  identifier("au_medicare", "au", "Australian Medicare card number with its check digit", {
    words: "medicare|medicare card|medicare number|medicare no",
    shape: /[2-6]\d{3} ?\d{5} ?\d(?:[ /-]?[1-9])?/,
    isValid: isAustralianMedicare,
  }),
  identifier("au_abn", "au", "Australian business number with its check digits", {
    words: "abn|australian business|business number",
    shape: /\d{2} ?\d{3} ?\d{3} ?\d{3}/,
    isValid: stdnum("AU", "abn"),
  }),
  identifier("nz_ird", "nz", "New Zealand tax number (IRD) with its check digit", {
    words: "ird|ird number|ird no|inland revenue|tax number",
    shape: /\d{2,3}[ -]?\d{3}[ -]?\d{3}/,
    isValid: stdnum("NZ", "ird"),
  }),
  identifier("nz_nhi", "nz", "New Zealand health index number with its check character", {
    words: "nhi|health index|nhi number|national health index",
    shape: /[A-HJ-NP-Z]{3}\d{4}/i,
    isValid: isNhi,
  }),
];

/** The modulus of the Ministry's notice: weights 2 to 7 and 2 to 6 from the right. */
function isMyNumber(value: string): boolean {
  const digits = digitsOf(value);
  const rest = weightedSum(digits, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
  return (rest <= 1 ? 0 : 11 - rest) === Number(digits[11]);
}

function isHongKongId(value: string): boolean {
  return stdnum("HK", "hkid")(value.replaceAll(" ", "").toUpperCase());
}

/** By series: the letters by remainder, and what is added to the sum. */
const NRIC_SERIES: Readonly<Record<string, readonly [letters: string, offset: number]>> = {
  S: ["JZIHGFEDCBA", 0],
  T: ["JZIHGFEDCBA", 4],
  F: ["XWUTRQPNMLK", 0],
  G: ["XWUTRQPNMLK", 4],
  M: ["XWUTRQPNJLK", 3],
};

function isNric(value: string): boolean {
  const upper = value.toUpperCase();
  const [letters, offset] = NRIC_SERIES[upper[0]!]!;
  const sum = weightedSum(upper.slice(1, 8), [2, 7, 6, 5, 4, 3, 2]) + offset;
  return letters[sum % 11] === upper[8];
}

function isAustralianMedicare(value: string): boolean {
  const digits = digitsOf(value);
  return weightedSum(digits, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === Number(digits[8]);
}

/** Letters count 1 to 24 without I and O; weights 7 to 2; modulus 11 (HISO 10046). */
function isNhi(value: string): boolean {
  const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ";
  const values = Array.from(value.toUpperCase(), (character) =>
    character >= "A" ? alphabet.indexOf(character) + 1 : Number(character),
  );
  const sum = [7, 6, 5, 4, 3, 2].reduce(
    (total, weight, index) => total + weight * values[index]!,
    0,
  );
  const rest = sum % 11;
  return rest !== 0 && (11 - rest) % 10 === values[6];
}
