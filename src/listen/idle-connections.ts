import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The HTTP/1.1 connections of one server on which no request is under way: new ones, those inside a handshake, and
 * those kept alive. Node itself never closes one that has not sent a request.
 */
export class IdleConnections {
  readonly #requests = new Map<Socket, number>();
  readonly #handshakes = new Map<string, Socket>();

  /** Takes a connection that has to shake hands first. */
  handshake(socket: Socket): void {
    const end = endOf(socket);
    this.#handshakes.set(end, socket);
    socket.once('close', () => {
      if (this.#handshakes.get(end) === socket) this.#handshakes.delete(end);
    });
  }

  /** Takes note that the handshake is over; a connection of HTTP/2 counts its streams itself. */
  shaken(socket: Socket): void {
    this.#handshakes.delete(endOf(socket));
  }

  /** Takes a connection that speaks HTTP/1.1. */
  add(socket: Socket): void {
    this.#requests.set(socket, 0);
    socket.once('close', () => this.#requests.delete(socket));
  }

  /** Takes note that a request began; it is over with its answer. */
  begin(socket: Socket, answer: ServerResponse): void {
    this.#count(socket, 1);
    answer.once('close', () => this.#count(socket, -1));
  }

  /** Takes note that the connection is not HTTP any more: it ends by itself. */
  handOver(socket: Socket): void {
    this.#requests.delete(socket);
  }

  /** Closes every idle connection. */
  close(): void {
    for (const [socket, requests] of this.#requests) if (requests === 0) socket.destroy();
    for (const socket of this.#handshakes.values()) socket.destroy();
  }

  #count(socket: Socket, by: number): void {
    const known = this.#requests.get(socket);
    if (known !== undefined) this.#requests.set(socket, known + by);
  }
}

/** The socket under TLS and the one above it are two objects with the same other end. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
