import { Counter, collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client';
import { type ClientMetrics, clientMetrics } from './client-metrics.ts';
import { Spread, type SpreadCell } from './spread.ts';
import { Tally, type TallyCell } from './tally.ts';

/** Everything the house counts. Each method is cheap enough for the hot path where the hot path calls it. */
export interface Metrics extends ClientMetrics {
  /** Counts one exchange. `route` comes from the configuration, never from the client; `upstreamMs` only when one answered. */
  exchange(exchange: CountedExchange): void;
  /** Counts one verdict; words from closed sets. */
  authentication(method: string, outcome: string, reason: string | undefined): void;
  /** @param protocol - `TLSv1.3`, `TLSv1.2` or `none` when the handshake failed before it was agreed */
  handshake(protocol: string, outcome: 'done' | 'failed' | 'refused'): void;
  /** Adds 1 or -1 to the open connections. */
  connections(change: 1 | -1): void;
  /** Replaces the list of certificates and the times at which they end, seconds since the epoch. */
  certificates(list: readonly { readonly name: string; readonly notAfterSec: number }[]): void;
  /** Counts an attempt to order a certificate. */
  certificateOrder(outcome: 'ordered' | 'failed'): void;
  /** Counts an attempt to hand a notice to the webhook's receiver. */
  webhookNotice(outcome: 'delivered' | 'failed'): void;
  /** Replaces the numbers of open streams by kind. */
  openStreams(counts: Readonly<Record<string, number>>): void;
  /** Counts a stream that was cut; the reason is a word from a closed set. */
  streamCut(reason: string): void;
  storeUp(up: boolean): void;
  /** Notes a load of the configuration; `generation` is the one that runs now. */
  configLoaded(generation: number, success: boolean): void;
  accessLogDropped(lines: number): void;
  /** Gives everything in the Prometheus text format 0.0.4. */
  text(): Promise<string>;
}

export interface CountedExchange {
  readonly route: string | undefined;
  readonly status: number;
  readonly http: '1.1' | '2' | undefined;
  readonly durationMs: number;
  readonly upstreamMs: number | undefined;
}

interface RouteCells {
  /** Key: status * 4 + kind of HTTP. */
  readonly requests: Map<number, TallyCell>;
  readonly duration: SpreadCell;
  upstream: SpreadCell | undefined;
}

/** Distinct authentication series that are kept; the words are a closed set, so more of them would be a defect. */
const MOST_VERDICTS = 256;

/** Gives metrics with a registry of their own; nothing is shared between two of them. */
export function makeMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 50 });
  return {
    exchange: exchangeCounter(registry),
    authentication: verdictCounter(registry),
    ...houseGauges(registry),
    ...clientMetrics(registry),
    text: () => registry.metrics(),
  };
}

function exchangeCounter(registry: Registry): Metrics['exchange'] {
  const requests = new Tally(registry, 'sallyport_requests_total', 'Answered requests.', [
    'route',
    'status',
    'http',
  ]);
  const durations = new Spread(
    registry,
    'sallyport_request_duration_seconds',
    'Time from arrival to the end of the answer.',
  );
  const upstreams = new Spread(
    registry,
    'sallyport_upstream_duration_seconds',
    "Time from dispatch to the head of the upstream's answer.",
  );
  const routes = new Map<string, RouteCells>();

  const cellsOf = (route: string): RouteCells => {
    const cells = { requests: new Map(), duration: durations.series(route), upstream: undefined };
    routes.set(route, cells);
    return cells;
  };

  return ({ route = 'none', status, http, durationMs, upstreamMs }) => {
    const cells = routes.get(route) ?? cellsOf(route);
    const key = status * 4 + (http === '2' ? 2 : http === '1.1' ? 1 : 0);
    let cell = cells.requests.get(key);
    if (cell === undefined) {
      cell = requests.series({ route, status: String(status), http: http ?? 'none' });
      cells.requests.set(key, cell);
    }
    cell.count++;
    cells.duration.observe(durationMs);
    if (upstreamMs === undefined) return;
    cells.upstream ??= upstreams.series(route);
    cells.upstream.observe(upstreamMs);
  };
}

function verdictCounter(registry: Registry): Metrics['authentication'] {
  const tally = new Tally(registry, 'sallyport_authentications_total', 'Verdicts on who is asking.', [
    'method',
    'outcome',
    'reason',
  ]);
  const cells = new Map<string, TallyCell>();
  const cellOf = (method: string, outcome: string, reason: string): TallyCell => {
    const full = cells.size >= MOST_VERDICTS;
    const key = full ? 'other' : `${method} ${outcome} ${reason}`;
    const known = cells.get(key);
    if (known !== undefined) return known;
    const labels = full
      ? { method: 'other', outcome: 'other', reason: 'other' }
      : { method, outcome, reason };
    const cell = tally.series(labels);
    cells.set(key, cell);
    return cell;
  };
  return (method, outcome, reason = 'none') => {
    const cell = cells.get(`${method} ${outcome} ${reason}`) ?? cellOf(method, outcome, reason);
    cell.count++;
  };
}

function houseGauges(
  registry: Registry,
): Omit<Metrics, 'exchange' | 'authentication' | 'text' | keyof ClientMetrics> {
  const registers = [registry];
  const handshakes = new Counter({
    name: 'sallyport_handshakes_total',
    help: 'TLS handshakes.',
    labelNames: ['protocol', 'outcome'],
    registers,
  });
  const expiry = new Gauge({
    name: 'sallyport_certificate_expiry_timestamp_seconds',
    help: 'When the certificate ends.',
    labelNames: ['name'],
    registers,
  });
  const orders = new Counter({
    name: 'sallyport_certificate_orders_total',
    help: 'Attempts to order a certificate from an ACME server.',
    labelNames: ['outcome'],
    registers,
  });
  const notices = new Counter({
    name: 'sallyport_webhook_notices_total',
    help: 'Attempts to hand a notice to the receiver of the webhook.',
    labelNames: ['outcome'],
    registers,
  });
  const streams = new Gauge({
    name: 'sallyport_open_streams',
    help: 'Open WebSockets, event streams, and other answers that take longer than a second.',
    labelNames: ['kind'],
    registers,
  });
  const cuts = new Counter({
    name: 'sallyport_streams_cut_total',
    help: 'Streams that the gateway ended because they may not go on.',
    labelNames: ['reason'],
    registers,
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const store = gauge('sallyport_store_up', '1 while the state answers.');
  const generation = gauge('sallyport_config_generation', 'Generation of the running configuration.');
  const reload = gauge('sallyport_config_last_reload_success', '1 when the last load succeeded.');
  const open = gauge('sallyport_open_connections', 'Open client connections.');
  const dropped = new Counter({
    name: 'sallyport_access_log_dropped_total',
    help: 'Log lines lost because their reader was too slow.',
    registers,
  });
  return {
    handshake: (protocol, outcome) => handshakes.inc({ protocol, outcome }),
    connections: (change) => open.inc(change),
    certificates: (list) => {
      expiry.reset();
      for (const { name, notAfterSec } of list) expiry.set({ name }, notAfterSec);
    },
    certificateOrder: (outcome) => orders.inc({ outcome }),
    webhookNotice: (outcome) => notices.inc({ outcome }),
    openStreams: (counts) => {
      for (const [kind, count] of Object.entries(counts)) streams.set({ kind }, count);
    },
    streamCut: (reason) => cuts.inc({ reason }),
    storeUp: (up) => store.set(up ? 1 : 0),
    configLoaded: (running, success) => {
      generation.set(running);
      reload.set(success ? 1 : 0);
    },
    accessLogDropped: (lines) => dropped.inc(lines),
  };
}
