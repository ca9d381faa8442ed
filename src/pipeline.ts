/**
 * The corridor. Every request walks it, HTTP/1.1, HTTP/2 and WebSocket alike; the order of its lines is the security model.
 */
import { asGatewayError, type GatewayError } from './errors.ts';
import type { Admitted, Answered, Arrived, Identified, Routed } from './exchange.ts';
import { after } from './lib/after.ts';
import { failureAnswer } from './listen/failure-answer.ts';
import type { Delivered, Responder } from './listen/responder.ts';

/** The rooms of one house, in the order in which they are walked. */
export interface Rooms {
  route(arrived: Arrived): Routed;
  authenticate(routed: Routed): Identified | Promise<Identified>;
  authorize(identified: Identified): Admitted;
  forward(admitted: Admitted): Answered | Promise<Answered>;
}

/**
 * Takes a request through the rooms.
 *
 * @throws or rejects with the `GatewayError` of the room that stopped it
 */
export function handle(rooms: Rooms, arrived: Arrived): Answered | Promise<Answered> {
  const routed = rooms.route(arrived);
  return after(rooms.authenticate(routed), (identified) => {
    const admitted = rooms.authorize(identified);
    return rooms.forward(admitted);
  });
}

/** What is told of an exchange when it is over; called exactly once for every request that arrived. */
export type OnServed = (arrived: Arrived, delivered: Delivered) => void;

/** Takes a request through the rooms, turns a failure into its answer, and has the exchange recorded in any case. */
export function serve(rooms: Rooms, arrived: Arrived, responder: Responder, onServed: OnServed): void {
  const answer = (answered: Answered): void => {
    responder.answer(answered, (delivered) => onServed(arrived, delivered));
  };
  const fail = (thrown: unknown): void => {
    const failure = asGatewayError(thrown);
    note(arrived, failure);
    arrived.body?.cancel();
    answer(failureAnswer(failure, arrived.request, arrived.id));
  };
  let outcome: Answered | Promise<Answered>;
  try {
    outcome = handle(rooms, arrived);
  } catch (thrown) {
    fail(thrown);
    return;
  }
  if (outcome instanceof Promise) outcome.then(answer).catch(fail);
  else answer(outcome);
}

function note({ record }: Arrived, failure: GatewayError): void {
  record.code = failure.code;
  record.reason ??= failure.reason;
  record.detail = failure.detail;
  record.decision ??= failure.status === 401 || failure.status === 403 ? 'denied' : 'failed';
}
