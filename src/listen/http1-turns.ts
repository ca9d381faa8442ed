import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Connection } from './connection.ts';

/** A request of an HTTP/1.1 connection that wants to be served. */
export interface Turn {
  /** Whether the answer is the last one of its connection; known once it was served. */
  readonly isLast: () => boolean;
  readonly socket: Socket;
  readonly response: ServerResponse;
  serve(): void;
}

interface Row {
  readonly waiting: Turn[];
  /** Being served, or the last one that was. */
  turn: Turn | undefined;
  busy: boolean;
  /** The connection was closed under what waited. */
  isCut: boolean;
  onAnswered: (() => void) | undefined;
}

/** Requests that may wait on one connection for those before them; browsers send none, programs that pipeline a few dozen. */
const MAX_WAITING = 128;

/**
 * The requests of each HTTP/1.1 connection, served one at a time and in their order.
 *
 * Node gives every request of a pipeline at once, also those behind an answer that ends the connection.
 * Security: one connection holds one exchange, however many requests are written to it, and a request that changes
 * something is over before the next begins (RFC 9112 §9.3.2). Where one could not be read, what seems to be the next may
 * be part of its body: it is never served (§9.6, §11.2).
 */
export class Http1Turns {
  readonly #rows = new WeakMap<Connection, Row>();

  /**
   * Serves a request as soon as all before it are answered, and never when one of them ended the connection.
   *
   * @returns false when too many wait: the connection was closed for it
   */
  take(connection: Connection, turn: Turn): boolean {
    const row = this.#rowOf(connection);
    if (row.isCut || row.turn?.isLast() === true) return true;
    if (!row.busy) {
      begin(row, turn);
      return true;
    }
    if (row.waiting.length < MAX_WAITING) {
      row.waiting.push(turn);
      return true;
    }
    row.isCut = true;
    turn.socket.destroy();
    return false;
  }

  /**
   * Tells whether every request was answered; if not, calls back when that is so.
   *
   * @returns true when an upgrade may take the connection over now
   */
  idle(connection: Connection, onAnswered: () => void): boolean {
    const row = this.#rowOf(connection);
    if (!row.busy) return row.turn?.isLast() !== true;
    row.onAnswered = onAnswered;
    return false;
  }

  #rowOf(connection: Connection): Row {
    const known = this.#rows.get(connection);
    if (known !== undefined) return known;
    const row: Row = { waiting: [], turn: undefined, busy: false, isCut: false, onAnswered: undefined };
    this.#rows.set(connection, row);
    return row;
  }
}

function begin(row: Row, turn: Turn): void {
  row.turn = turn;
  row.busy = true;
  turn.response.once('close', () => {
    row.busy = false;
    const next = row.waiting.shift();
    if (next === undefined) {
      row.onAnswered?.();
    } else if (turn.isLast() || next.socket.destroyed) {
      row.waiting.length = 0;
    } else {
      begin(row, next);
    }
  });
  turn.serve();
}
