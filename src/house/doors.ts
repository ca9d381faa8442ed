import type { Http2SecureServer } from 'node:http2';
import type { HandshakeSample } from '../certificates/rotation/trials.ts';
import type { TicketKeys } from '../certificates/ticket-keys.ts';
import { tlsOptions } from '../certificates/tls-options.ts';
import type { Config } from '../config/config.ts';
import { type Corridor, makeArrivals } from '../listen/arrive.ts';
import type { CertificatePicker } from '../listen/certificate-picker.ts';
import type { Challenges } from '../listen/challenge-answers.ts';
import { type Door, openDoor } from '../listen/door.ts';
import { HandshakeWatch } from '../listen/handshake-watch.ts';
import { makePlainServer } from '../listen/plain-server.ts';
import { makeTlsServer, type TlsServer } from '../listen/tls-server.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { SecurityLog } from '../observe/security-log.ts';

export interface DoorsParts {
  readonly config: Config;
  readonly corridor: () => Corridor;
  readonly certificates: CertificatePicker;
  /** Answers of ACME challenges. */
  readonly challenges: Challenges;
  /** Keys of session tickets. */
  readonly ticketKeys: TicketKeys;
  readonly metrics: Metrics;
  readonly securityLog: SecurityLog;
  /** Learns which certificates clients take. */
  readonly onSample: (sample: HandshakeSample) => void;
  readonly serves: (host: string) => boolean;
}

/** The open endpoints of the house: HTTPS, and plain HTTP that sends clients there. */
export interface Doors {
  readonly https: readonly string[];
  /** Each takes a connection as its HTTPS endpoint does, but for the counting. */
  readonly endpoints: readonly TlsServer['take'][];
  /** @returns how many connections had to be cut at the bound */
  close(boundMs: number): Promise<number>;
}

/** Opens every endpoint, or none: when one cannot be had, those before it are closed again. */
export async function openDoors(parts: DoorsParts): Promise<Doors> {
  const { limits, https, http, tls } = parts.config.listen;
  const arrivals = makeArrivals(parts.corridor, limits);
  const handshakeWatch = new HandshakeWatch(parts.onSample);
  const open: Door[] = [];
  const endpoints: TlsServer['take'][] = [];
  try {
    for (const endpoint of https) {
      const server = makeTlsServer({
        certificates: parts.certificates,
        challenges: parts.challenges,
        tlsOptions: tlsOptions(tls),
        limits,
        arrivals,
        handshakeWatch,
        onRefusedClient(refused) {
          parts.metrics.clientCertificateRefused(refused.reason);
          parts.securityLog.certificate(refused);
        },
        onHandshake: (outcome, protocol) => parts.metrics.handshake(protocol, outcome),
      });
      countConnections(server, parts.metrics);
      followTicketKeys(server, parts.ticketKeys);
      open.push(await openDoor(server, endpoint, 'https'));
      endpoints.push(server.take);
    }
    const urls = open.map((door) => door.url);
    const httpsPort = open[0]?.port ?? 443;
    for (const endpoint of http) {
      const { serves, challenges } = parts;
      const server = makePlainServer({ limits, serves, challenges, httpsPort: () => httpsPort });
      open.push(await openDoor(server, endpoint, 'http'));
    }
    return {
      https: urls,
      endpoints,
      async close(boundMs) {
        const cut = await Promise.all(open.map((door) => door.close(boundMs)));
        return cut.reduce((sum, count) => sum + count, 0);
      },
    };
  } catch (error) {
    await Promise.all(open.map((door) => door.close(0)));
    throw error;
  }
}

function followTicketKeys(server: Http2SecureServer, keys: TicketKeys): void {
  server.setTicketKeys(keys.current);
  server.once(
    'close',
    keys.onChange((key) => server.setTicketKeys(key)),
  );
}

function countConnections(server: Http2SecureServer, metrics: Metrics): void {
  server.on('connection', (socket) => {
    metrics.connections(1);
    socket.once('close', () => metrics.connections(-1));
  });
}
