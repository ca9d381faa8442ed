import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';

/** An answer, read whole. */
export interface JarAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Path and query that were asked for. */
  readonly path: string;
}

export interface JarRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A client that keeps cookies and knows the headers of a browser, over HTTP/1.1 at a gateway on this machine. */
export class BrowserJar {
  readonly cookies = new Map<string, string>();
  readonly #port: number;
  readonly #ca: string;
  readonly #host: string;

  constructor({ port, ca, host = 'localhost' }: { port: number; ca: string; host?: string }) {
    this.#port = port;
    this.#ca = ca;
    this.#host = host;
  }

  get origin(): string {
    return `https://${this.#host}:${this.#port}`;
  }

  /** Makes one request; follows nothing. */
  async send(path: string, { method = 'GET', headers = {}, body }: JarRequest = {}): Promise<JarAnswer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const fields = {
      host: `${this.#host}:${this.#port}`,
      ...(cookie === '' ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      ...headers,
    };
    const answer = await new Promise<JarAnswer>((resolve, reject) => {
      const call = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          servername: this.#host,
          ca: this.#ca,
          method,
          path,
          headers: fields,
          agent: false,
        },
        (message) => {
          let text = '';
          message.setEncoding('utf8');
          message.on('data', (chunk: string) => {
            text += chunk;
          });
          message.on('end', () =>
            resolve({ status: message.statusCode ?? 0, headers: message.headers, text, path }),
          );
          message.on('error', reject);
        },
      );
      call.on('error', reject);
      call.end(body);
    });
    for (const line of answer.headers['set-cookie'] ?? []) this.#keep(line);
    return answer;
  }

  /** Opens a page as somebody who types its address, and follows redirects on this host. */
  async open(path: string): Promise<JarAnswer> {
    return this.#follow(await this.send(path, { headers: PAGE }));
  }

  /** Sends a form of one of our pages, and follows redirects on this host. */
  async submit(path: string, fields: Readonly<Record<string, string>>): Promise<JarAnswer> {
    return this.#follow(await this.post(path, fields));
  }

  /** Sends a form of one of our pages; follows nothing. */
  post(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<JarAnswer> {
    return this.send(path, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: {
        ...PAGE,
        'sec-fetch-site': 'same-origin',
        origin: this.origin,
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      },
    });
  }

  async #follow(first: JarAnswer): Promise<JarAnswer> {
    let answer = first;
    for (let hops = 0; hops < 10; hops++) {
      const location = answer.status === 303 ? answer.headers.location : refreshOf(answer.headers);
      if (location === undefined || !location.startsWith('/')) return answer;
      answer = await this.send(location, { headers: PAGE });
    }
    return answer;
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';');
    const mark = pair.indexOf('=');
    const name = pair.slice(0, mark).trim();
    if (attributes.some((attribute) => attribute.trim().toLowerCase() === 'max-age=0'))
      this.cookies.delete(name);
    else this.cookies.set(name, pair.slice(mark + 1));
  }
}

/** Gives where a page leads on by itself. */
export function refreshOf({ refresh }: IncomingHttpHeaders): string | undefined {
  return typeof refresh === 'string' ? /^0; url=(.+)$/.exec(refresh)?.[1] : undefined;
}

/** What a browser sends along when it opens a page. */
export const PAGE: Readonly<Record<string, string>> = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
};

/** Gives the value of the first hidden field of a name on a page; empty when there is none. */
export function fieldOf(page: string, name: string): string {
  return new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? '';
}
