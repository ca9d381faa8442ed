/**
 * The corridor. Every request walks it, HTTP/1.1, HTTP/2 and WebSocket alike; the order of its lines is the security model.
 */
import { asGatewayError, type GatewayError } from './errors.ts';
import type { Admitted, Answered, Arrived, Identified, Routed } from './exchange.ts';
import { after } from './lib/after.ts';
import { isSource } from './lib/byte-source.ts';
import { release } from './lib/release.ts';
import { failureAnswer } from './listen/failure-answer.ts';
import type { Delivered, Responder } from './listen/responder.ts';
import type { TurnAway, TurnedAway } from './sign-in/unauthenticated.ts';
import type { OpenStreams } from './streams/open-streams.ts';

/** The rooms of one house, in the order in which they are walked. */
export interface Rooms {
  route(arrived: Arrived): Routed;
  authenticate(routed: Routed): Identified | Promise<Identified>;
  authorize(identified: Identified): Admitted;
  forward(admitted: Admitted): Answered | Promise<Answered>;
  /** Shows who was stopped the way to sign in; absent: the failure speaks for itself. */
  readonly turnAway?: TurnAway;
}

/**
 * Takes a request through the rooms that decide.
 *
 * @throws or rejects with the `GatewayError` of the room that stopped it
 */
export function decide(rooms: Rooms, arrived: Arrived): Admitted | Promise<Admitted> {
  const routed = rooms.route(arrived);
  return after(rooms.authenticate(routed), rooms.authorize);
}

/** Takes a request through all rooms. @throws or rejects with the `GatewayError` of the room that stopped it */
export function handle(rooms: Rooms, arrived: Arrived): Answered | Promise<Answered> {
  return after(decide(rooms, arrived), rooms.forward);
}

/** Who keeps an eye on the exchanges. */
export interface Watch {
  /** Every answer that is under way. */
  readonly streams: Pick<OpenStreams, 'mark' | 'review' | 'enter' | 'leave'>;
  /** What is told of an exchange when it is over; called exactly once for every request that arrived. */
  onServed(arrived: Arrived, delivered: Delivered): void;
}

/**
 * Takes a request through the rooms, turns a failure into its answer, and has the exchange recorded in any case.
 *
 * Security: an answer that streams, or comes late, does not begin when something that its decision may hang on has
 * ended or changed since the request came: it is decided anew first.
 */
export function serve(rooms: Rooms, arrived: Arrived, responder: Responder, watch: Watch): void {
  const mark = watch.streams.mark();
  let admitted: Admitted | undefined;
  let failed = false;
  const answer = (answered: Answered): void => {
    try {
      const isWatched = isStream(answered) || (watch.streams.mark() !== mark && isLate(arrived));
      if (failed || admitted === undefined || !isWatched) {
        responder.answer(answered, (delivered) => watch.onServed(arrived, delivered));
        return;
      }
      const present = upToDate(admitted, mark, watch);
      if (present instanceof Promise) {
        present
          .then((card) => begin(answered, card, responder, watch))
          .catch((thrown: unknown) => {
            release(answered);
            fail(thrown);
          });
      } else {
        begin(answered, present, responder, watch);
      }
    } catch (thrown) {
      // An answer that cannot be put on the wire holds the upstream until it is given up.
      release(answered);
      if (failed) responder.cut('unanswerable');
      else fail(thrown);
    }
  };
  const fail = (thrown: unknown): void => {
    failed = true;
    const failure = asGatewayError(thrown);
    note(arrived, failure);
    const refuse = (away?: TurnedAway): void => {
      arrived.body?.cancel();
      answer(away?.instead ?? failureAnswer(failure, arrived.request, arrived.id, away));
    };
    // A body that is on its way to an upstream has a reader already.
    const away = rooms.turnAway?.(admitted === undefined ? arrived : { ...arrived, body: null }, failure);
    if (away instanceof Promise) away.then(refuse).catch(() => refuse());
    else refuse(away);
  };
  let outcome: Answered | Promise<Answered>;
  try {
    outcome = after(decide(rooms, arrived), (card) => {
      admitted = card;
      return rooms.forward(card);
    });
  } catch (thrown) {
    fail(thrown);
    return;
  }
  if (outcome instanceof Promise) outcome.then(answer, fail);
  else answer(outcome);
}

/** A revocation counts within this time, also for a request that waits for something to happen. */
const LATE_MS = 1_000;

function isLate({ startedAtMs }: Arrived): boolean {
  return performance.now() - startedAtMs > LATE_MS;
}

function isStream({ tunnel, body }: Answered): boolean {
  return tunnel !== undefined || isSource(body);
}

/** Gives the decision as it is now: the same one as long as nothing changed since `mark`. */
function upToDate(admitted: Admitted, mark: number, watch: Watch): Admitted | Promise<Admitted> {
  const now = watch.streams.mark();
  if (now === mark) return admitted;
  const { arrived } = admitted;
  return watch.streams.review(arrived).then((anew) => upToDate({ ...anew, arrived }, now, watch));
}

/** Puts an answer that streams on the wire, watched until it is over. */
function begin(answered: Answered, admitted: Admitted, responder: Responder, watch: Watch): void {
  const stream = watch.streams.enter(admitted, answered, responder);
  try {
    responder.answer(answered, (delivered) => {
      watch.streams.leave(stream);
      watch.onServed(admitted.arrived, delivered);
    });
  } catch (thrown) {
    watch.streams.leave(stream);
    throw thrown;
  }
}

function note({ record }: Arrived, failure: GatewayError): void {
  record.code = failure.code;
  record.reason ??= failure.reason;
  record.detail = failure.detail;
  record.decision ??= failure.status === 401 || failure.status === 403 ? 'denied' : 'failed';
}
