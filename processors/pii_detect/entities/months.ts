/** Months in full and short, in the languages of the words below. */
export const MONTH =
  "jan(?:uary|uar|vier|uari)?|feb(?:ruary|ruar|ruari)?|févr?(?:ier)?|mar(?:ch|s|zo)?|märz|maart|" +
  "apr(?:il)?|avril|abril|may|mai|mayo|mei|june?|juni|juin|junio|july?|juli|juillet|julio|" +
  "aug(?:ust|ustus)?|août|agosto|sep(?:t|tember|tembre)?|septiembre|oct(?:ober|obre)?|" +
  "okt(?:ober)?|octubre|nov(?:ember|embre)?|noviembre|" +
  "dec(?:ember)?|dez(?:ember)?|déc(?:embre)?|diciembre";
