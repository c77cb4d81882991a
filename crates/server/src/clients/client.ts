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

/** The server's no: its status, and what is wrong, cell by cell. */
export class Refused extends Error {
  status: number;
  errors: { row: number; field: string; rule: string; message: string }[];

  constructor(status: number, problem: any) {
    super(`${status}: ${problem.detail ?? JSON.stringify(problem)}`);
    this.status = status;
    this.errors = problem.errors ?? [];
  }
}

/** A server's address, the key that it asks for, if it does, and what it calls the model; with null its default is asked. */
export class Client {
  url: string;
  key: string | undefined;
  model: string | null;

  constructor(url: string = "http://127.0.0.1:8080", key?: string, model: string | null = "MODEL") {
    this.url = url.replace(/\/+$/, "");
    this.key = key;
    this.model = model;
  }

  /** One prediction a row, in their order. */
  async predict(rows: Row[]): Promise<Prediction[]> {
    const place = this.model === null ? "" : `/models/${encodeURIComponent(this.model)}`;
    return (await this.ask(`${place}/predict`, rows)).predictions;
  }

  /** Which model answers; a mock's digest begins with `mock:`. */
  async health(): Promise<{ model: string; version: string; digest: string }> {
    return this.ask("/health");
  }

  /** The answer to a request. */
  async ask(path: string, body?: unknown): Promise<any> {
    const headers: Record<string, string> = { "Content-Type": "application/json", Accept: "application/json" };
    if (this.key !== undefined) {
      headers["Authorization"] = `Bearer ${this.key}`;
    }
    const method = body === undefined ? "GET" : "POST";
    const answer = await fetch(this.url + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) {
      throw new Refused(answer.status, told);
    }
    return told;
  }
}
