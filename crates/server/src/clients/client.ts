/** Asks for predictions of NAME: written by `evenstep contract`. It needs `fetch` and nothing else. */

/** The contract that this was written from. */
export const CONTRACT = "DIGEST";

/** A row to predict for. Whole numbers beyond 2^53 lose digits in JavaScript. */
export interface Row {
  // ROW
}

export type Value = number;

/** A rule of the contract that the row breaks without being refused. */
export interface Flag {
  field: string;
  rule: string;
}

/** What is said of a row; the probability is that of each class. */
export interface Prediction {
  id: unknown;
  prediction: Value | null;
  probability?: Record<string, number> | null;
  flags?: Flag[];
}

/** The server's no: its status, and what is wrong, cell by cell. Its message has the first of them. */
export class Refused extends Error {
  status: number;
  errors: { row: number; field: string; rule: string; message: string }[];

  constructor(status: number, problem: any) {
    const errors: Refused["errors"] = problem?.errors ?? [];
    const told = errors.slice(0, 3).map((error) => `row ${error.row}: ${error.message}`);
    super(`${status}: ${[problem?.detail ?? "the answer says no more", ...told].join("; ")}`);
    this.name = "Refused";
    this.status = status;
    this.errors = errors;
  }
}

/**
 * A server's address, the key that it asks for, if it does, and what it calls the model; with null its default is asked. An
 * answer that takes more milliseconds than `timeout` is given up.
 */
export class Client {
  url: string;
  key: string | undefined;
  model: string | null;
  timeout: number;

  constructor(
    url: string = "http://127.0.0.1:8080",
    key?: string,
    model: string | null = "MODEL",
    timeout: number = 10_000,
  ) {
    this.url = url.replace(/\/+$/, "");
    // A file that holds it ends with a line feed. What no header takes would be told by whoever refuses it.
    this.key = key?.trim();
    if (this.key !== undefined && !/^[!-~]*$/.test(this.key)) {
      throw new TypeError("the key holds what no key has: letters, digits and `_` are expected");
    }
    this.model = model;
    this.timeout = timeout;
  }

  /** One prediction a row, in their order. */
  async predict(rows: Row[]): Promise<Prediction[]> {
    return (await this.ask(`${this.place()}/predict`, rows)).predictions;
  }

  /** Which model answers; a mock's digest begins with `mock:`. */
  async health(): Promise<{ model: string; version: string; digest: string }> {
    const told = await this.ask("/health");
    if (this.model === null || (told.model ?? this.model) === this.model) {
      return told;
    }
    // That is the server's default, and ours is another.
    const { model, aliases, versions } = await this.ask(this.place());
    const version = aliases.default;
    return { ...told, model, version, digest: versions.find((of: any) => of.version === version).digest };
  }

  private place(): string {
    return this.model === null ? "" : `/models/${encodeURIComponent(this.model)}`;
  }

  /** The answer to a request. */
  async ask(path: string, body?: unknown): Promise<any> {
    const waits = Math.min(Math.max(1, Math.round(this.timeout)), 99_999_999);
    const headers: Record<string, string> = {
      "Content-Type": "application/json",
      Accept: "application/json",
      "Evenstep-Timeout-Ms": String(waits),
    };
    if (this.key !== undefined) {
      headers["Authorization"] = `Bearer ${this.key}`;
    }
    const method = body === undefined ? "GET" : "POST";
    const signal = AbortSignal.timeout(waits);
    const text = body === undefined ? null : JSON.stringify(body, finite);
    const answer = await fetch(this.url + path, { method, headers, body: text, signal });
    if (!answer.ok) {
      // What stands between us and the server answers as it likes.
      throw new Refused(answer.status, await answer.json().catch(() => ({})));
    }
    return await answer.json();
  }
}

/** JSON would have null for a number that is none. */
function finite(name: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TypeError(`${name} is ${value}, which is no number: null says that there is none`);
  }
  return value;
}
