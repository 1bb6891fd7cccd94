/** What a word beside it makes personal, in any country. */
import { isLuhn } from "../../checksums.ts";
import type { Entity } from "../entity.ts";
import { MONTH } from "../months.ts";
import { digitsOf, identifier } from "./identifier.ts";
import { isNationalPhone } from "./national_phone.ts";

const DATE = new RegExp(
  "(?:18|19|20)\\d{2}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\\d|3[01])|" +
    "(?:0?[1-9]|[12]\\d|3[01])[-/.](?:0?[1-9]|[12]\\d|3[01])[-/.](?:(?:18|19|20)\\d{2}|\\d{2})|" +
    `(?:0?[1-9]|[12]\\d|3[01])(?:st|nd|rd|th)?\\.? (?:${MONTH})\\.?,? (?:18|19|20)\\d{2}|` +
    `(?:${MONTH})\\.? (?:0?[1-9]|[12]\\d|3[01])(?:st|nd|rd|th)?,? (?:18|19|20)\\d{2}`,
  "i",
);

/** The United States, Brazil, the Netherlands, Britain, Canada, Poland, Japan, Sweden, others. */
const POSTCODE = new RegExp(
  "\\d{5}-\\d{4}|\\d{5}-?\\d{3}|\\d{4} ?[A-Z]{2}|[A-Z]{1,2}\\d[A-Z\\d]? ?\\d[A-Z]{2}|" +
    "[A-Z]\\d[A-Z] ?\\d[A-Z]\\d|\\d{2}-\\d{3}|\\d{3}[ -]\\d{2,4}|\\d{4,6}",
);

/** Accounts that belong to a machine or to everybody. */
const SYSTEM_ACCOUNTS = new Set(
  (
    "root admin administrator system daemon nobody anonymous guest unknown none null undefined true " +
    "false test user users postgres mysql redis mongodb elasticsearch kafka rabbitmq nginx apache " +
    "www-data httpd http ftp sshd bin sys mail news uucp lp sync games proxy backup list irc gnats " +
    "service default local network localservice networkservice public oracle sa docker kube kubelet " +
    "zookeeper hadoop hdfs spark jenkins gitlab git ubuntu debian centos ec2-user vagrant deploy app worker cron syslog named"
  ).split(" "),
);

export const everywhere: readonly Entity[] = [
  identifier("phone_national", undefined, "phone number as it is written within a country", {
    words:
      "phone|telephone|tel|cellphone|fax|whatsapp|msisdn|hotline|call me|call us|call him|call her|" +
      "call at|call on|answering at|reach me|reach us|text me|phone number|mobile number|" +
      "mobile phone|mobile no|my mobile|cell phone|cell number|my cell|contact number|caller id|" +
      "caller number|telefon|telefonnummer|handynummer|mobilnummer|téléphone|teléfono|telefono|" +
      "telefone|telemóvel|telefoon|puhelin|tlf|telefonszám|τηλέφωνο|телефон|电话|手机|電話|携帯|전화",
    fields:
      "mobile|cell|cellular|handy|mobil|portable|móvil|movil|celular|cellulare|mobiel|komórka",
    shape: /\(?\d{1,13}(?:(?:[ ./-]\(?|\) ?-?)\d{1,9}){0,5}(?: ?(?:ext|x|ext\.) ?\d{1,5})?/i,
    isValid: isNationalPhone,
    score: 0.7,
  }),
  identifier("user_name", undefined, "name with which a person logs in, in a field of that name", {
    fields:
      "user|username|user name|login|login name|logname|account name|screen name|nickname|" +
      "benutzer|benutzername|utilisateur|usuario|utente|gebruiker",
    shape: /[A-Za-z\u00c0-\u024f][\w.\u00c0-\u024f@+-]{0,62}[\w\u00c0-\u024f]/,
    isValid: (value) => !SYSTEM_ACCOUNTS.has(value.toLowerCase()),
    score: 0.6,
  }),
  identifier("passport_number", undefined, "passport number: 6 to 9 digits and capitals", {
    words:
      "passport|passport no|passport number|reisepass|reisepassnummer|passeport|pasaporte|" +
      "passaporto|passaporte|paspoort|paspoortnummer|passnummer|paszport|útlevél|pașaport|" +
      "pasaport|паспорт|护照|護照|旅券|여권",
    shape: /(?=[A-Z]{0,2}\d)[A-Z]{0,2}\d{5,9}[A-Z]?/,
  }),
  identifier("driving_licence", undefined, "driving licence number of some country", {
    words:
      "driving licence|driving license|driver licence|driver license|drivers licence|" +
      "drivers license|driver's license|driver's licence|dl number|dl no|licence number|" +
      "license number|permis de conduire|führerschein|fuehrerschein|permiso de conducir|" +
      "licencia de conducir|patente di guida|rijbewijs|carta de condução|prawo jazdy",
    shape: /(?=[A-Z -]{0,7}\d)[A-Z\d](?:[A-Z\d-]| (?=\d)){4,17}[A-Z\d]/,
  }),
  identifier("vehicle_plate", undefined, "registration plate of a vehicle", {
    words:
      "license plate|licence plate|number plate|numberplate|registration plate|plate number|" +
      "plate no|vehicle registration|kennzeichen|matrícula|matricula|immatriculation|targa|" +
      "kenteken|registreringsnummer|vrm|vrn",
    shape: /(?=[A-Z -]{0,6}\d)(?=[\d -]{0,6}[A-Z])[A-Z\d]{1,4}(?:[ -]?[A-Z\d]{1,4}){1,2}/,
  }),
  identifier("vin", undefined, "vehicle identification number (ISO 3779)", {
    words:
      "vin|vehicle identification|chassis|chassis number|fahrgestellnummer|fin|vehicle id|" +
      "numéro de châssis|número de bastidor|telaio",
    shape: /[A-HJ-NPR-Z\d]{13}\d{4}/i,
    isValid: (value) => /[A-Z]/i.test(value),
  }),
  identifier("imei", undefined, "identity of a mobile device (IMEI) with its Luhn digit", {
    words: "imei|imeisv|device id|device identifier|meid|handset",
    shape: /\d{2}[ -]?\d{6}[ -]?\d{6}[ -]?\d/,
    isValid: (value) => isLuhn(digitsOf(value)),
  }),
  identifier("imsi", undefined, "identity of a mobile subscriber (IMSI)", {
    words: "imsi|subscriber id|subscriber identity|supi",
    shape: /[2-7]\d{13,14}/,
    score: 0.75,
  }),
  identifier("iccid", undefined, "number of a SIM card (ICCID) with its Luhn digit", {
    words: "iccid|sim|sim card|sim number|simcard|esim|eid",
    shape: /89\d{16,18}/,
    isValid: isLuhn,
  }),
  identifier("swift_bic", undefined, "bank identifier code (ISO 9362) beside a word", {
    words: "swift|bic|swift code|bic code|swift bic|swiftbic|bank identifier",
    shape: /[A-Z]{4}[A-Z]{2}[A-Z\d]{2}(?:[A-Z\d]{3})?/,
    isValid: (value) => COUNTRY_CODES.has(value.slice(4, 6)),
  }),
  identifier("bank_account", undefined, "number of a bank account", {
    words:
      "account number|account no|acct number|acct no|acct|bank account|kontonummer|konto nr|" +
      "número de cuenta|numero de cuenta|cuenta bancaria|numéro de compte|numero de compte|" +
      "rekeningnummer|conto corrente|conta bancária|bankkonto|口座番号|银行账号",
    shape: /\d(?:[ -]?\d){5,17}/,
    score: 0.6,
  }),
  identifier("card_expiry", undefined, "month and year in which a payment card expires", {
    words:
      "card expiry|expiry|expiry date|expiration date|exp date|valid thru|valid through|" +
      "good thru|card exp|cc exp|exp",
    shape: /(?:0[1-9]|1[0-2]) ?[/-] ?(?:20)?[2-4]\d/,
  }),
  identifier("medical_record", undefined, "number of a patient or of a medical record", {
    words:
      "mrn|medical record|medical record number|patient id|patient number|patient no|" +
      "health record|hospital number|patientennummer|numéro de patient|fallnummer|nhc",
    shape: /(?=[A-Z-]{0,5}\d)[A-Z\d][A-Z\d-]{3,13}\d/i,
  }),
  identifier("date_of_birth", undefined, "date beside a word such as `born`", {
    words:
      "dob|d.o.b|date of birth|birth date|birthdate|birthday|born|born on|geboren|geburtsdatum|" +
      "geburtstag|geb|né le|née le|né|née|date de naissance|fecha de nacimiento|nacido|nacida|" +
      "data di nascita|nato il|nata il|data de nascimento|geboortedatum|född|født|syntynyt|" +
      "syntymäaika|urodzony|urodzona|data urodzenia|datum narození|születési dátum|doğum tarihi|" +
      "дата рождения|出生日期|生年月日|생년월일",
    shape: DATE,
    score: 0.75,
  }),
  identifier("coordinates", undefined, "latitude or longitude with three decimals or more", {
    words:
      "lat|latitude|lon|lng|long|longitude|gps|coordinates|coords|coord|geolocation|geo|latlng|" +
      "breitengrad|längengrad|latitud|longitud|latitudine|longitudine",
    shape: /[-+]?(?:1[0-7]\d|\d{1,2})\.\d{3,15}/,
  }),
  identifier("postcode", undefined, "postal code of some country beside a word", {
    words:
      "zip|zip code|zipcode|postal code|postalcode|postcode|post code|plz|postleitzahl|" +
      "code postal|código postal|codigo postal|cap|cep|pincode|pin code|postnummer|kod pocztowy|" +
      "psč|irányítószám|cod poștal|posta kodu|邮编|郵便番号|우편번호",
    shape: POSTCODE,
  }),
  identifier("age", undefined, "age of a person in years", {
    words:
      "age|aged|years old|year old|years of age|y/o|yo|just turned|turned|alter|jahre alt|âge|ans|edad|años|età|anni|idade",
    shape: /(?:1[01]\d|[1-9]\d?)/,
    isValid: (value) => Number(value) <= 119,
    score: 0.5,
  }),
];

/** ISO 3166-1 alpha-2, and `XK` which banks use for Kosovo. */
const COUNTRY_CODES = new Set(
  (
    "AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS " +
    "BT BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE " +
    "EG ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR " +
    "HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI " +
    "LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA " +
    "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU " +
    "RW SA SB SC SD SE SG SH SI SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TG TH TJ TL TM TN TO TR " +
    "TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
  ).split(" "),
);
