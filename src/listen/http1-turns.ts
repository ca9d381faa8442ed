import type { ServerResponse } from 'node:http';
import type { Connection } from './connection.ts';

/** The part of a responder that says whether its answer is the last one of its connection. */
export interface Turn {
  readonly last: boolean;
}

interface Row {
  turn: Turn;
  open: number;
  onAnswered: (() => void) | undefined;
}

/**
 * The requests of each HTTP/1.1 connection, in their order.
 *
 * Node gives every request of a pipeline at once, also those behind an answer that ends the connection.
 * Security: where one request could not be read, what seems to be the next may be part of its body (RFC 9112 §9.6, §11.2).
 */
export class Http1Turns {
  readonly #rows = new WeakMap<Connection, Row>();

  /** Takes note of a request. @returns whether it may be answered: nothing before it ended the connection */
  begin(connection: Connection, turn: Turn, response: ServerResponse): boolean {
    const row = this.#rows.get(connection) ?? { turn, open: 0, onAnswered: undefined };
    if (row.turn.last) return false;
    row.turn = turn;
    row.open++;
    this.#rows.set(connection, row);
    response.once('close', () => {
      row.open--;
      if (row.open === 0) row.onAnswered?.();
    });
    return true;
  }

  /**
   * Tells whether every request was answered; if not, calls back when that is so.
   *
   * @returns true when an upgrade may take the connection over now
   */
  idle(connection: Connection, onAnswered: () => void): boolean {
    const row = this.#rows.get(connection);
    if (row === undefined || row.open === 0) return row?.turn.last !== true;
    row.onAnswered = onAnswered;
    return false;
  }
}
