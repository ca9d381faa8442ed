import { extname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningGateway } from './start.ts';

interface Demonstration extends Pick<RunningGateway, 'urls'> {
  readonly demonstration: { readonly user: string; readonly password: string };
  /** As the person would write it, relative to the working folder. */
  readonly dataFolder: string;
  /** How a shell calls this program; see `selfCommand`. */
  readonly self: string;
  /** Whether SALLYPORT_ADMIN_TOKEN names the admin token; else it lies in the data folder. */
  readonly tokenInEnv: boolean;
}

/** Gives what the demonstration says when it runs: curl lines that work when they are pasted as they stand. */
export function demonstrationBanner(demo: Demonstration): string {
  const { urls, demonstration, dataFolder, self } = demo;
  const port = new URL(urls.https[0] ?? 'https://localhost:8443').port;
  const site = `https://localhost${port === '' ? '' : `:${port}`}`;
  const ca = quote(`${dataFolder}/dev-ca.crt`);
  const curl = `curl --cacert ${ca}`;
  const user = quote(`${demonstration.user}:${demonstration.password}`);
  const token = demo.tokenInEnv ? '$SALLYPORT_ADMIN_TOKEN' : `$(cat ${quote(`${dataFolder}/admin-token`)})`;
  const next = `${dataFolder}/next`;
  return `
Sallyport runs a demonstration at ${site}

  A public page:
    ${curl} ${site}/public

  A password:
    ${curl} -u ${user} ${site}/

  A token, got for the password, then used:
    TOKEN=$(${curl} -s -u ${user} -X POST ${site}/.sallyport/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
    ${curl} -H "Authorization: Bearer $TOKEN" ${site}/

  Another certificate, served from the next handshake on:
    ${self} cert dev --data ${quote(dataFolder)} --out ${quote(next)} localhost '*.localhost'
    node -p 'JSON.stringify({ certificate: fs.readFileSync(process.argv[1], "utf8"), key: fs.readFileSync(process.argv[2], "utf8") })' \\
      ${quote(`${next}/localhost.crt`)} ${quote(`${next}/localhost.key`)} |
      ${curl} -X PUT -H "Authorization: Bearer ${token}" -H 'Content-Type: application/json' --data-binary @- \\
      ${urls.admin}/v1/certificates/localhost

Ctrl-C stops it. To run your own: ${self} start -c sallyport.yaml
`;
}

/** Gives the words that call this program from a folder, ready for a shell. */
export function selfCommand(folder: string): string {
  const here = fileURLToPath(import.meta.url);
  const main = fileURLToPath(new URL(`../main${extname(here)}`, import.meta.url));
  const near = (path: string): string => {
    const way = relative(folder, path);
    return quote(way.startsWith('..') ? path : way);
  };
  return `${near(process.execPath)} ${near(main)}`;
}

function quote(text: string): string {
  return /^[A-Za-z0-9_./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
