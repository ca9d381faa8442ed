import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type SecureContext } from 'node:tls';
import type { UpstreamConfig, UpstreamTarget } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { CoarseClock } from '../lib/coarse-clock.ts';
import { UpstreamConnection } from './upstream-connection.ts';

/** Somebody who wants a connection; exactly one of the two is called, once. */
export interface Waiter {
  ready(connection: UpstreamConnection): void;
  /** No connection could be made: nothing was sent. */
  refused(error: GatewayError): void;
}

interface Ticket extends Waiter {
  readonly since: number;
  over: boolean;
}

const MAX_WAITING = 10_000;

/** One address of an upstream: its connections, the requests that wait for one, and how it has behaved lately. */
export class Target {
  readonly address: string;
  readonly #target: UpstreamTarget;
  readonly #config: UpstreamConfig;
  readonly #secure: SecureContext | undefined;
  readonly #clock: CoarseClock;
  readonly #nameOf: (name: string) => string | undefined;
  readonly #all = new Set<UpstreamConnection>();
  readonly #idle: UpstreamConnection[] = [];
  readonly #waiting: Ticket[] = [];
  readonly #connecting = new Set<Socket>();
  #failures = 0;
  #restsUntilMs = 0;
  #closing = false;

  constructor(
    target: UpstreamTarget,
    config: UpstreamConfig,
    shared: {
      readonly secure: SecureContext | undefined;
      readonly clock: CoarseClock;
      readonly nameOf: (name: string) => string | undefined;
    },
  ) {
    this.#target = target;
    this.address = target.address;
    this.#config = config;
    this.#secure = shared.secure;
    this.#clock = shared.clock;
    this.#nameOf = shared.nameOf;
  }

  /** False while it rests after too many failures in a row. */
  get healthy(): boolean {
    return this.#clock.nowMs >= this.#restsUntilMs;
  }

  get active(): number {
    return this.#all.size - this.#idle.length;
  }

  /** Nothing is open, being opened or waited for. */
  get unused(): boolean {
    return this.#all.size + this.#connecting.size + this.#waiting.length === 0;
  }

  get idle(): number {
    return this.#idle.length;
  }

  /**
   * Gives an idle connection, a new one, or the next that becomes free.
   * @param fresh - a new connection even when an idle one is at hand
   * @returns gives up waiting; `undefined` when the waiter was called already
   */
  acquire(waiter: Waiter, fresh: boolean): (() => void) | undefined {
    const idle = fresh ? undefined : this.#idle.pop();
    if (idle !== undefined) {
      waiter.ready(idle);
      return undefined;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      waiter.refused(new GatewayError('SP_FORWARD_BUSY', { reason: 'queue-full' }));
      return undefined;
    }
    const ticket: Ticket = {
      ready: (connection) => waiter.ready(connection),
      refused: (error) => waiter.refused(error),
      since: this.#clock.nowMs,
      over: false,
    };
    this.#waiting.push(ticket);
    this.#connectIfNeeded();
    return () => {
      ticket.over = true;
    };
  }

  /** Notes an answer, whatever its status. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** Notes that it could not be reached, broke off, or answered nonsense. */
  failed(): void {
    this.#failures++;
    if (this.#config.ejectAfter > 0 && this.#failures >= this.#config.ejectAfter) {
      this.#failures = 0;
      this.#restsUntilMs = this.#clock.nowMs + this.#config.ejectMs;
    }
  }

  /** Ends what has been silent or waiting for too long; called on every tick of the clock. */
  tick(): void {
    for (const connection of this.#all) connection.checkDeadline();
    // Two ticks more than an attempt to connect may take, so that its own failure is told first.
    const bound = this.#clock.nowMs - this.#config.connectMs - 2 * this.#clock.tickMs;
    while (this.#waiting[0] !== undefined && (this.#waiting[0].over || this.#waiting[0].since < bound)) {
      const late = this.#waiting.shift();
      if (late !== undefined) {
        refuse(late, new GatewayError('SP_FORWARD_BUSY', { reason: 'no-free-connection' }));
      }
    }
  }

  /** Ends idle connections now, the others when their exchange is over. */
  close(): void {
    this.#closing = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** Ends every connection now. */
  destroy(): void {
    this.close();
    for (const connection of [...this.#all]) connection.destroy();
    const closed = new GatewayError('SP_FORWARD_NO_TARGET', { reason: 'closed' });
    for (const socket of this.#connecting) socket.destroy(closed);
  }

  #connectIfNeeded(): void {
    const wanted = this.#waiting.length - this.#connecting.size;
    const room = this.#config.connectionsPerTarget - this.#all.size - this.#connecting.size;
    if (wanted > 0 && (room > 0 || this.#config.connectionsPerTarget === 0)) this.#connect();
  }

  #connect(): void {
    const socket = this.#open();
    this.#connecting.add(socket);
    const timer = setTimeout(() => {
      socket.destroy(new GatewayError('SP_FORWARD_TIMEOUT', { reason: 'connect' }));
    }, this.#config.connectMs);
    const onError = (error: Error): void => {
      clearTimeout(timer);
      this.#connecting.delete(socket);
      const failure = connectFailure(error, this.#target);
      // Others that wait have attempts of their own, or would wait for a target that is not there.
      const ticket = this.#nextTicket();
      if (ticket !== undefined) refuse(ticket, failure);
      this.#connectIfNeeded();
    };
    socket.once('error', onError);
    socket.once(this.#target.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      this.#connecting.delete(socket);
      socket.off('error', onError);
      const connection = new UpstreamConnection(socket, this.#owner, this.#clock, this.#nameOf);
      this.#all.add(connection);
      this.#offer(connection);
    });
  }

  #open(): Socket {
    const { host, port, protocol } = this.#target;
    if (protocol === 'http:') return connectTcp({ host, port, noDelay: true });
    const name = this.#config.serverName ?? host;
    const socket = connectTls({
      host,
      port,
      ...(this.#secure === undefined ? {} : { secureContext: this.#secure }),
      ...(isIP(name) === 0 ? { servername: name } : {}),
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
      // Node would compare with the address that it connects to where the name to check is an IP address.
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      minVersion: 'TLSv1.2',
    });
    socket.setNoDelay(true);
    return socket;
  }

  readonly #owner = {
    idle: (connection: UpstreamConnection): void => this.#offer(connection),
    gone: (connection: UpstreamConnection): void => {
      this.#all.delete(connection);
      const at = this.#idle.indexOf(connection);
      if (at !== -1) this.#idle.splice(at, 1);
      this.#connectIfNeeded();
    },
  };

  #offer(connection: UpstreamConnection): void {
    const ticket = this.#nextTicket();
    if (ticket !== undefined) {
      ticket.over = true;
      ticket.ready(connection);
      return;
    }
    if (this.#closing) {
      connection.destroy();
      return;
    }
    // A second less than the upstream promised: it may close at the moment we send (RFC 9112 §9.3.1).
    const promised =
      connection.keepAliveSec === undefined
        ? Number.POSITIVE_INFINITY
        : connection.keepAliveSec * 1000 - 1000;
    if (promised <= 0) {
      connection.destroy();
      return;
    }
    const ours = this.#config.keepAliveMs === 0 ? Number.POSITIVE_INFINITY : this.#config.keepAliveMs;
    connection.restFor(Math.min(ours, promised));
    this.#idle.push(connection);
  }

  #nextTicket(): Ticket | undefined {
    for (;;) {
      const ticket = this.#waiting.shift();
      if (ticket === undefined || !ticket.over) return ticket;
    }
  }
}

function refuse(ticket: Ticket, error: GatewayError): void {
  if (ticket.over) return;
  ticket.over = true;
  ticket.refused(error);
}

function connectFailure(error: Error, target: UpstreamTarget): GatewayError {
  if (error instanceof GatewayError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  const reason = `connect-${code.toLowerCase().replaceAll('_', '-')}`;
  const network = /^(ECONN|EHOST|ENET|ENOTFOUND|EAI_|EPIPE|ETIMEDOUT|EADDR|EACCES|EMFILE|ENFILE)/.test(code);
  if (target.protocol === 'https:' && !network) {
    return new GatewayError('SP_FORWARD_TLS', {
      reason,
      detail: `${target.address}: ${error.message}`,
      cause: error,
    });
  }
  return new GatewayError('SP_FORWARD_UNREACHABLE', {
    reason,
    detail: `${target.address}: ${code}`,
    cause: error,
  });
}
