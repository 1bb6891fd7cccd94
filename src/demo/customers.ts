/**
 * Customers of the demo's shop: each comes once, looks around, perhaps buys, and leaves. Made-up
 * people only; the stream of choices is seeded, so that two demos look alike.
 */
import { Agent, request } from "node:http";

const FIRST_NAMES = [
  "anna",
  "ben",
  "chloe",
  "dmitri",
  "elif",
  "farid",
  "grace",
  "hugo",
  "ines",
  "jonas",
  "kemi",
  "lucia",
];
const LAST_NAMES = [
  "schmidt",
  "garcia",
  "novak",
  "okafor",
  "rossi",
  "tanaka",
  "larsen",
  "dubois",
  "murphy",
  "kaya",
];
const TEST_CARDS = [
  "4111 1111 1111 1111",
  "5555 5555 5555 4444",
  "4012 8888 8888 1881",
  "3782 822463 10005",
  "4242 4242 4242 4242",
  "5105 1051 0510 5100",
];
const PRODUCTS = ["teapot", "lamp", "rug", "kettle", "chair", "vase"];
const USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

export interface Traffic {
  /** Requests that the shop answered. */
  readonly answered: number;
  /** True: nobody sends a new request for now. */
  paused: boolean;
  stop(): void;
}

/** Keeps `customersAtOnce` customers in the shop until stopped: a trickle, not a load test. */
export function startTraffic(port: number, customersAtOnce: number): Traffic {
  const agent = new Agent({ keepAlive: true, maxSockets: customersAtOnce });
  const choose = seededChoice(20_261_121);
  const traffic = { answered: 0, paused: false, stopped: false };
  let customers = 0;

  const visit = async (): Promise<void> => {
    while (!traffic.stopped) {
      const customer = newCustomer(customers++, choose);
      for (const step of visitOf(customer, choose)) {
        while (traffic.paused) await pause(100);
        if (traffic.stopped) return;
        if (await send(agent, port, customer, step)) traffic.answered++;
        await pause(80 + choose(160));
      }
    }
  };
  for (let index = 0; index < customersAtOnce; index++) void visit();
  return {
    get answered() {
      return traffic.answered;
    },
    get paused() {
      return traffic.paused;
    },
    set paused(paused: boolean) {
      traffic.paused = paused;
    },
    stop() {
      traffic.paused = false;
      traffic.stopped = true;
      agent.destroy();
    },
  };
}

interface Customer {
  readonly address: string;
  readonly email: string;
  readonly phone: string;
}

interface Step {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly json?: Readonly<Record<string, string>>;
}

function newCustomer(index: number, choose: Choose): Customer {
  const first = FIRST_NAMES[choose(FIRST_NAMES.length)]!;
  const last = LAST_NAMES[choose(LAST_NAMES.length)]!;
  const address =
    choose(4) === 0
      ? `2001:db8:${choose(65_536).toString(16)}::${(index + 1).toString(16)}`
      : `${["192.0.2", "198.51.100", "203.0.113"][choose(3)]}.${1 + choose(254)}`;
  return {
    address,
    email: `${first}.${last}${index}@example.${["com", "org", "net"][choose(3)]}`,
    phone: `+1202555${String(100 + choose(100)).padStart(4, "0")}`,
  };
}

function* visitOf(customer: Customer, choose: Choose): Generator<Step> {
  const product = PRODUCTS[choose(PRODUCTS.length)]!;
  yield { method: "GET", path: "/" };
  yield { method: "GET", path: `/search?q=${product}&email=${encodeURIComponent(customer.email)}` };
  yield { method: "GET", path: choose(9) === 0 ? "/old-shop" : `/products/${product}` };
  if (choose(3) > 0) return;
  yield { method: "POST", path: "/login", json: { email: customer.email } };
  yield {
    method: "POST",
    path: "/checkout",
    json: {
      id: `A-${1000 + choose(9000)}`,
      email: customer.email,
      phone: customer.phone,
      card: TEST_CARDS[choose(TEST_CARDS.length)]!,
      amount: `${5 + choose(200)}.${String(choose(100)).padStart(2, "0")} EUR`,
    },
  };
}

/** Resolves to whether the shop answered; a shop that is down is no reason to end the demo. */
function send(agent: Agent, port: number, customer: Customer, step: Step): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const headers = { "x-forwarded-for": customer.address, "user-agent": USER_AGENT };
  const outgoing = request(
    { agent, port, host: "127.0.0.1", method: step.method, path: step.path, headers },
    (response) => {
      response.resume().on("end", () => resolve(true));
    },
  );
  outgoing.on("error", () => resolve(false));
  outgoing.end(step.json === undefined ? undefined : JSON.stringify(step.json));
  return promise;
}

type Choose = (bound: number) => number;

/** Numerical Recipes' linear congruential generator: good enough to pick a teapot. */
function seededChoice(seed: number): Choose {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

function pause(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms);
  return promise;
}
