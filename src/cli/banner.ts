import type { RunningGateway } from './start.ts';

interface Demonstration extends Pick<RunningGateway, 'urls'> {
  readonly demonstration: { readonly user: string; readonly password: string };
  /** As the person would write it, relative to the working folder. */
  readonly dataFolder: string;
}

/** Gives what the demonstration says when it runs: curl lines that work when they are pasted as they stand. */
export function demonstrationBanner({ urls, demonstration, dataFolder }: Demonstration): string {
  const port = new URL(urls.https[0] ?? 'https://localhost:8443').port;
  const site = `https://localhost${port === '' ? '' : `:${port}`}`;
  const ca = quote(`${dataFolder}/dev-ca.crt`);
  const curl = `curl --cacert ${ca}`;
  const user = quote(`${demonstration.user}:${demonstration.password}`);
  const token = `"Authorization: Bearer $(cat ${quote(`${dataFolder}/admin-token`)})"`;
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
    node_modules/.bin/node src/main.ts cert dev --data ${quote(dataFolder)} --out ${quote(`${dataFolder}/next`)} localhost '*.localhost'
    node -p 'const [c,k]=process.argv.slice(1).map(f=>fs.readFileSync(f,"utf8"));JSON.stringify({certificate:c,key:k})' \\
      ${quote(`${dataFolder}/next/localhost.crt`)} ${quote(`${dataFolder}/next/localhost.key`)} |
      ${curl} -X PUT -H ${token} -H 'Content-Type: application/json' -d @- \\
      ${urls.admin}/v1/certificates/localhost

Ctrl-C stops it. To run your own: sallyport start -c sallyport.yaml
`;
}

function quote(text: string): string {
  return /^[A-Za-z0-9_./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
