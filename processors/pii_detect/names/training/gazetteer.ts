/** Names, places and words of `@faker-js/faker` (MIT), in Latin letters, for the training alone. */
import { allLocales } from "@faker-js/faker";

const LATIN = /^[\p{Script=Latin}\p{M} '’.-]+$/u;

/** Russian and Ukrainian letters as passports write them, and hiragana syllables (Hepburn). */
const ROMAN: Readonly<Record<string, string>> = Object.fromEntries(
  (
    "а:a б:b в:v г:g ґ:g д:d е:e ё:e є:ye ж:zh з:z и:i і:i ї:yi й:y к:k л:l м:m н:n о:o п:p р:r " +
    "с:s т:t у:u ф:f х:kh ц:ts ч:ch ш:sh щ:shch ъ: ы:y ь: э:e ю:yu я:ya " +
    "あ:a い:i う:u え:e お:o か:ka き:ki く:ku け:ke こ:ko さ:sa し:shi す:su せ:se そ:so " +
    "た:ta ち:chi つ:tsu て:te と:to な:na に:ni ぬ:nu ね:ne の:no は:ha ひ:hi ふ:fu へ:he " +
    "ほ:ho ま:ma み:mi む:mu め:me も:mo や:ya ゆ:yu よ:yo ら:ra り:ri る:ru れ:re ろ:ro わ:wa " +
    "を:o ん:n が:ga ぎ:gi ぐ:gu げ:ge ご:go ざ:za じ:ji ず:zu ぜ:ze ぞ:zo だ:da で:de ど:do " +
    "ば:ba び:bi ぶ:bu べ:be ぼ:bo ぱ:pa ぴ:pi ぷ:pu ぺ:pe ぽ:po"
  )
    .split(" ")
    .map((pair) => pair.split(":") as [string, string]),
);

const JAPANESE_SURNAMES =
  "Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki " +
  "Yamaguchi Matsumoto Inoue Kimura Hayashi Shimizu Yamazaki Mori Abe Ikeda Hashimoto Ishikawa " +
  "Yamashita Ogawa Ishii Hasegawa Goto Okada Kondo Maeda Fujita Endo Aoki Sakamoto Murakami Ota " +
  "Kaneko Fujii Fukuda Nishimura Miura Takeuchi Nakagawa Okamoto Matsuda Harada Nakano Ono Tamura " +
  "Fujiwara Nakayama Ishida Kojima Wada Morita Uchida Shibata Sakai Hara Takagi Yokoyama Miyazaki " +
  "Ueda Shimada Kudo Miyamoto Sugiyama Takada Imai Maruyama Ando Kono Masuda Murata Otsuka Hirano " +
  "Sugawara Takeda Arai Koyama Noguchi Sakurai Chiba Iwasaki Nishiyama Matsui Kinoshita Sano";
const CHINESE_NAMES =
  "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Zheng Liang " +
  "Xie Song Tang Deng Han Feng Cao Peng Zeng Xiao Tian Dong Pan Yuan Cai Jiang Yu Du Ye Cheng Wei Su " +
  "Lu Ding Ren Shen Yao Tan Liao Fan Shi Xiong Jin Bai Zou Kong Qin Jia Lei Hao Xin Ming Qiang Jun " +
  "Ting Fang Hui Ying Na Xiu Mei Yan Juan Ping Hong Hua Ling Bo Kai Rui Zhi Xiang Jing Yi Tao Long";
const INDIAN_AND_ARABIC =
  "Sharma Verma Gupta Singh Kumar Patel Reddy Rao Nair Iyer Menon Das Ghosh Banerjee Mukherjee " +
  "Chatterjee Bose Khan Ansari Qureshi Malik Hussain Shah Joshi Kulkarni Deshmukh Patil Naidu " +
  "Pillai Mehta Desai Trivedi Pandey Mishra Tiwari Yadav Chauhan Rathore Kapoor Malhotra Khanna " +
  "Arora Bhatia Al-Sayed Haddad Najjar Khoury Mansour Saleh Hassan Hussein Ibrahim Mahmoud Youssef " +
  "Abdullah Rahman Farouk Nasser Aziz Karimi Hosseini Ahmadi Mohammadi Rezaei Amiri Tehrani Okafor " +
  "Okonkwo Adeyemi Balogun Eze Nwosu Obi Chukwu Abiodun Mwangi Otieno Kamau Njoroge Wanjiku Odhiambo " +
  "Mensah Owusu Boateng Asante Diallo Traore Keita Diop Ndiaye Sow Fall Nguyen Tran Le Pham Hoang " +
  "Phan Vu Dang Bui Do Ngo Duong Kim Park Choi Jung Kang Cho Yoon Jang Lim Han Shin Seo Kwon";
const INDIAN_AND_ARABIC_GIVEN =
  "Aarav Vivaan Aditya Arjun Sai Rohan Karan Rahul Vikram Sanjay Rajesh Suresh Ramesh Anil Sunil " +
  "Deepak Manoj Ashok Vijay Ajay Ravi Priya Ananya Diya Isha Kavya Neha Pooja Riya Shreya Sneha " +
  "Anjali Sunita Lakshmi Radha Meera Geeta Asha Usha Mohammed Muhammad Ahmed Ali Omar Yusuf Hamza " +
  "Khalid Tariq Bilal Karim Rashid Samir Walid Ziad Fatima Aisha Zainab Maryam Layla Noor Amina " +
  "Huda Salma Yasmin Rania Dina Hala Reza Mehdi Hossein Parisa Shirin Leila Chidi Emeka Ngozi Chioma " +
  "Amara Kwame Kofi Ama Abena Yaw Akua Oluwaseun Babatunde Folake Kamau Wambui Thabo Sipho Thandi " +
  "Minh Linh Anh Hung Tuan Huong Thuy Lan Min-jun Ji-woo Seo-yeon Hiroshi Kenji Takeshi Yuki Haruto " +
  "Sakura Aiko Naoko Tomomi Shintaro Daisuke Kazuki Mariko Yumiko Emiko Isamu Akira Satoshi Makoto";

export interface Gazetteer {
  readonly firstNames: readonly string[];
  readonly lastNames: readonly string[];
  readonly cities: readonly string[];
  readonly countries: readonly string[];
  readonly states: readonly string[];
  readonly common: readonly string[];
  readonly nouns: readonly string[];
  readonly verbs: readonly string[];
  readonly adjectives: readonly string[];
}

export function loadGazetteer(): Gazetteer {
  const firstNames = new Set(INDIAN_AND_ARABIC_GIVEN.split(" "));
  const lastNames = new Set(
    [JAPANESE_SURNAMES, CHINESE_NAMES, INDIAN_AND_ARABIC].flatMap((text) => text.split(" ")),
  );
  const cities = new Set<string>();
  const countries = new Set<string>();
  const states = new Set<string>();
  for (const [code, locale] of Object.entries(allLocales)) {
    // Invented dialects and words, not names.
    if (code === "en_BORK" || code === "en_AU_ocker" || code === "base" || code === "eo") continue;
    addAll(firstNames, locale.person?.first_name);
    addAll(lastNames, locale.person?.last_name);
    addAll(cities, locale.location?.city_name);
    addAll(countries, locale.location?.country);
    addAll(states, locale.location?.state);
  }
  const { word, commerce, hacker } = allLocales.en as never as Record<string, Words>;
  const nouns = latin(word!.noun);
  const verbs = latin(word!.verb);
  const adjectives = latin(word!.adjective);
  const common = [nouns, verbs, adjectives, latin(word!.adverb), latin(word!.preposition)].flat();
  common.push(...latin(word!.conjunction), ...latin(hacker?.noun), ...latin(hacker?.verb));
  common.push(...latin(commerce?.department).map((text) => text.toLowerCase()));
  return {
    firstNames: [...firstNames],
    lastNames: [...lastNames],
    cities: [...cities],
    countries: [...countries],
    states: [...states],
    ...{ common, nouns, verbs, adjectives },
  };
}

type Words = Readonly<Record<string, unknown>>;

function addAll(into: Set<string>, source: unknown): void {
  for (const text of latin(source)) if (text.length > 1) into.add(text);
}

/** All texts in a list, or in the lists of a map, that are or become Latin. */
function latin(source: unknown): string[] {
  if (source === undefined || source === null) return [];
  if (typeof source === "string") {
    const roman = romanize(source);
    return LATIN.test(roman) ? [roman] : [];
  }
  if (Array.isArray(source)) {
    return source.flatMap((item) => latin((item as { value?: unknown })?.value ?? item));
  }
  return typeof source === "object" ? Object.values(source).flatMap(latin) : [];
}

function romanize(text: string): string {
  if (!/[а-яґєії\u3041-\u3096]/i.test(text)) return text;
  const roman = Array.from(text.toLowerCase(), (letter) => ROMAN[letter] ?? letter).join("");
  return roman.replace(/(?<=^|[ -])\p{L}/gu, (letter) => letter.toUpperCase());
}
