import { request } from 'node:https';
import { refreshOf } from './browser-jar.ts';

export interface BrowserAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly location: string | undefined;
  readonly text: string;
}

/** A browser on one host of a gateway: keeps its cookies, follows nothing by itself. */
export class HostBrowser {
  readonly #door: { readonly port: number; readonly ca: string };
  readonly #host: string;
  readonly cookies = new Map<string, string>();

  constructor(door: { readonly port: number; readonly ca: string }, host: string) {
    this.#door = door;
    this.#host = host;
  }

  /** Opens a page as a person does who types its address or follows a link. */
  open(path: string): Promise<BrowserAnswer> {
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    return this.send('GET', path, { ...headers, 'sec-fetch-site': 'none' });
  }

  /** Opens a page and follows redirects on this host until one leads elsewhere or nowhere. */
  async follow(path: string): Promise<BrowserAnswer> {
    let answer = await this.open(path);
    for (let steps = 0; steps < 8; steps++) {
      if (answer.location === undefined) return answer;
      const next = new URL(answer.location, `https://${this.#host}`);
      if (next.host !== this.#host) return answer;
      answer = await this.open(next.pathname + next.search);
    }
    throw new Error('too many redirects');
  }

  send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<BrowserAnswer> {
    const { port, ca } = this.#door;
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return new Promise((resolve, reject) => {
      const call = request(
        {
          host: '127.0.0.1',
          port,
          ca,
          servername: this.#host,
          method,
          path,
          agent: false,
          headers: { host: this.#host, ...(cookie === '' ? {} : { cookie }), ...headers },
        },
        async (answer) => {
          for (const line of answer.headers['set-cookie'] ?? []) this.#keep(line);
          let text = '';
          for await (const chunk of answer) text += chunk;
          const { statusCode: status = 0, headers: fields } = answer;
          resolve({ status, headers: fields, location: fields.location ?? refreshOf(fields), text });
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }

  #keep(line: string): void {
    const [pair = ''] = line.split(';');
    const mark = pair.indexOf('=');
    if (/Max-Age=0/i.test(line)) this.cookies.delete(pair.slice(0, mark));
    else this.cookies.set(pair.slice(0, mark), pair.slice(mark + 1));
  }
}
