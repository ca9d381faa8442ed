import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import express from 'express';
import { FRONTS } from '../support/fronts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { type NodeUpstream, startNodeUpstream } from '../support/node-upstream.ts';

const BIG = Buffer.alloc(2 * 1024 * 1024, 'nginx');
const run = promisify(execFile);

let app: NodeUpstream;
let nginx: Nginx;
let house: TestGateway;

before(async () => {
  app = await startNodeUpstream(expressApp());
  nginx = await startNginx(`
    gzip on; gzip_types *; gzip_min_length 100;
    location /small { client_max_body_size 1k; proxy_pass ${app.url}; }
    location /app { proxy_pass ${app.url}; proxy_http_version 1.1; }`);
  writeFileSync(join(nginx.root, 'big.bin'), BIG);
  writeFileSync(join(nginx.root, 'index.html'), '<h1>nginx</h1>');
  house = await startTestGateway({
    yaml: `upstreams: { express: { targets: ["${app.url}"] }, nginx: { targets: ["${nginx.url}"] } }
routes:
  - { host: app.localhost, upstream: express, public: true }
  - { host: nginx.localhost, upstream: nginx, public: true }
`,
  });
});

after(async () => {
  await house.close();
  await nginx.close();
  await app.close();
});

function expressApp(): express.Express {
  const made = express();
  made.set('trust proxy', true).set('env', 'test');
  made.use(express.json());
  made.get('/', (req, res) => {
    res.cookie('a', '1').cookie('b', '2', { httpOnly: true });
    res.json({ ip: req.ip, host: req.host, protocol: req.protocol, secure: req.secure });
  });
  made.post('/json', (req, res) => {
    res.status(201).location('/json/1').json(req.body);
  });
  made.get('/old', (_req, res) => res.redirect(302, '/new'));
  made.get('/app/deep', (_req, res) => {
    res.send('behind both');
  });
  return made;
}

for (const front of FRONTS) {
  test(`${front.name}: an Express application sees the client as it is`, async () => {
    const told = await front.ask(house, { host: 'app.localhost' });
    assert.deepEqual(JSON.parse(told.text), {
      ip: '127.0.0.1',
      host: 'app.localhost',
      protocol: 'https',
      secure: true,
    });
    const cookies = told.fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value);
    assert.deepEqual(cookies, ['a=1; Path=/', 'b=2; Path=/; HttpOnly']);
    const etag = told.field('etag') ?? '';
    const same = await front.ask(house, { host: 'app.localhost', headers: { 'if-none-match': etag } });
    assert.deepEqual([same.status, same.text], [304, '']);
  });

  test(`${front.name}: an Express application takes JSON, redirects and refuses as it does alone`, async () => {
    const host = 'app.localhost';
    const body = JSON.stringify({ name: 'ä' });
    const headers = { 'content-type': 'application/json' };
    const made = await front.ask(house, { host, method: 'POST', path: '/json', headers, body });
    assert.deepEqual([made.status, made.field('location'), made.text], [201, '/json/1', body]);
    const bad = await front.ask(house, { host, method: 'POST', path: '/json', headers, body: '{' });
    assert.equal(bad.status, 400);
    const moved = await front.ask(house, { host, path: '/old' });
    assert.deepEqual([moved.status, moved.field('location')], [302, '/new']);
    assert.equal((await front.ask(house, { host, path: '/absent' })).status, 404);
  });

  test(`${front.name}: nginx serves files, ranges and compressed answers through the gateway`, async () => {
    const host = 'nginx.localhost';
    const whole = await front.ask(house, { host, path: '/big.bin' });
    assert.ok(whole.body.equals(BIG));
    const part = await front.ask(house, { host, path: '/big.bin', headers: { range: 'bytes=10-19' } });
    assert.deepEqual([part.status, part.text], [206, BIG.subarray(10, 20).toString()]);
    const packed = await front.ask(house, { host, path: '/big.bin', headers: { 'accept-encoding': 'gzip' } });
    assert.equal(packed.field('content-encoding'), 'gzip');
    assert.ok(packed.body.length < BIG.length / 10);
    const head = await front.ask(house, { host, method: 'HEAD', path: '/big.bin' });
    assert.equal(head.field('content-length'), String(BIG.length));
    assert.equal((await front.ask(house, { host, path: '/app/deep' })).text, 'behind both');
  });

  test(`${front.name}: a body that nginx refuses is refused with its own answer`, async () => {
    const body = Buffer.alloc(300_000);
    const told = await front.ask(house, { host: 'nginx.localhost', method: 'POST', path: '/small', body });
    assert.equal(told.status, 413);
    assert.match(told.text, /nginx/);
  });
}

test('curl gets the same over both protocols, and sends a large file', async () => {
  const ca = join(house.folder, 'data/dev-ca.crt');
  const file = join(nginx.root, 'big.bin');
  for (const version of ['--http1.1', '--http2']) {
    const curl = async (...args: string[]): Promise<string> => {
      const resolve = ['app', 'nginx'].flatMap((name) => [
        '--resolve',
        `${name}.localhost:${house.port}:127.0.0.1`,
      ]);
      const { stdout } = await run('curl', ['-sS', version, '--cacert', ca, ...resolve, ...args], {
        maxBuffer: 16 * 1024 * 1024,
      });
      return stdout;
    };
    const at = (name: string, path: string): string => `https://${name}.localhost:${house.port}${path}`;
    assert.match(await curl(at('app', '/')), /"protocol":"https"/);
    assert.equal((await curl(at('nginx', '/big.bin'))).length, BIG.length);
    const sent = await curl(
      '-o',
      '/dev/null',
      '-w',
      '%{http_code} %{http_version}',
      '-T',
      file,
      at('app', '/put'),
    );
    assert.equal(sent, `404 ${version === '--http2' ? '2' : '1.1'}`);
  }
});
