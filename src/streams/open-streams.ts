import type { Admitted, Answered, Arrived, Ties } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';
import type { Notice } from '../state/notices.ts';
import { Doubts, type Review } from './doubts.ts';
import { OpenStream, type StreamLine, type StreamView } from './open-stream.ts';
import { SessionCheck, type StreamSessions } from './session-check.ts';
import { StreamIndex } from './stream-index.ts';
import type { StreamKind } from './stream-kind.ts';

export interface OpenStreamsOptions {
  readonly clock: Clock;
  readonly review: Review;
  /** Gives the tags of what a credential hangs on. */
  readonly tagsOf: (ties: Ties) => readonly string[];
  /** Gives the tag of what a notice says has ended or changed; `undefined` when no credential hangs on it. */
  readonly endedTag: (notice: Notice) => string | undefined;
  readonly sessions: StreamSessions;
  /** Counts a stream that was cut. */
  readonly onCut: (reason: string) => void;
}

/** Age at which an answer that is neither WebSocket nor event stream counts as a stream and is indexed. */
const LONG_MS = 1_000;
/** How often sessions are looked at that may have ended for idleness. */
const SESSION_CHECK_SEC = 30;

/**
 * Every answer of this process that is under way: WebSockets, event streams, long bodies.
 *
 * Comes in: answers when they begin, notices of every process, reloads. Goes out: cuts of what may not go on. What
 * certainly ended is cut at once; where an account, a session or the configuration changed, the stream's own request is
 * decided anew by the present house, and only a refusal cuts it. While nobody can decide it stays open, doubtful.
 *
 * An ordinary answer that streams costs one object in one set; only after a second is it indexed.
 */
export class OpenStreams {
  readonly #options: OpenStreamsOptions;
  readonly #doubts: Doubts;
  readonly #sessionCheck: SessionCheck;
  readonly #index = new StreamIndex();
  readonly #open = new Set<OpenStream>();
  /** Not indexed yet, in order of their beginning. */
  readonly #young = new Set<OpenStream>();
  #changes = 0;
  #sweptSec = 0;

  constructor(options: OpenStreamsOptions) {
    this.#options = options;
    this.#sessionCheck = new SessionCheck(options.sessions);
    this.#doubts = new Doubts({
      review: options.review,
      kept: (stream, admitted) => this.#keep(stream, admitted),
      refused: (stream) => this.#cut(stream, 'not-allowed'),
    });
  }

  /** Gives a mark to take before a request is decided; it changes with everything that may change a decision. */
  mark(): number {
    return this.#changes;
  }

  /** Decides a request anew by the present house. @throws or rejects as the rooms do */
  review(arrived: Arrived): Promise<Admitted> {
    return this.#options.review(arrived);
  }

  /** Takes an answer that begins to stream; `leave` must follow when it is over. */
  enter(admitted: Admitted, answered: Answered, line: StreamLine): OpenStream {
    const stream = new OpenStream(admitted, answered, line, this.#options.clock());
    if (stream.kind === 'body') this.#young.add(stream);
    else this.#add(stream);
    return stream;
  }

  leave(stream: OpenStream): void {
    if (this.#young.delete(stream) || !this.#open.delete(stream)) return;
    this.#index.remove(stream);
    this.#doubts.remove(stream);
  }

  /** Acts on what another process, or this one, tells: listens behind those who forget verified credentials. */
  hear(notice: Notice): void {
    const tag = this.#options.endedTag(notice);
    if (tag === undefined) return;
    this.#changes++;
    this.#indexYoung();
    const doubtful: OpenStream[] = [];
    for (const stream of this.#index.withTag(tag)) {
      if (isOver(notice, stream.admitted.ties)) this.#cut(stream, notice.kind);
      else doubtful.push(stream);
    }
    this.#doubts.add(doubtful);
  }

  /** Decides every stream with a credential anew: after a gap in the event log, or when its verification changed. */
  doubtAll(): void {
    this.#changes++;
    this.#indexYoung();
    this.#doubts.add([...this.#open].filter((stream) => stream.admitted.ties !== undefined));
  }

  /** Cuts the streams of routes that are gone or are others now. @param unchanged - ids of routes that stay as they are */
  reloaded(unchanged: ReadonlySet<string>): void {
    this.#changes++;
    this.#indexYoung();
    for (const stream of [...this.#open]) {
      if (!unchanged.has(stream.admitted.route.id)) this.#cut(stream, 'route-changed');
    }
  }

  /** Indexes what became long, cuts what expired, asks again for what nobody could decide; called a few times a second. */
  tick(): void {
    const nowMs = this.#options.clock();
    for (const stream of this.#young) {
      // A clock that was set back makes an age negative: indexing early does no harm.
      const ageMs = nowMs - stream.sinceMs;
      if (ageMs >= 0 && ageMs < LONG_MS) break;
      this.#promote(stream);
    }
    const nowSec = Math.floor(nowMs / 1000);
    if (nowSec === this.#sweptSec) return;
    this.#sweptSec = nowSec;
    for (const stream of this.#index.endedBy(nowSec)) this.#cut(stream, 'expired');
    this.#doubts.again();
    if (nowSec % SESSION_CHECK_SEC === 0) this.checkSessions();
  }

  /** Cuts what hangs on sessions that ended for idleness. */
  checkSessions(): void {
    void this.#sessionCheck.run([...this.#open], (stream) => this.#cut(stream, 'session-ended'));
  }

  /** Cuts one stream by its id. @returns whether there is such a stream in this process */
  cut(id: string): boolean {
    this.#indexYoung();
    for (const stream of this.#open) if (stream.id === id) return this.#cut(stream, 'by-admin');
    return false;
  }

  /** Lists the open streams, oldest first. */
  list(): readonly StreamView[] {
    return [...this.#open].map((stream) => stream.view());
  }

  /** Gives how many there are of each kind. */
  counts(): Readonly<Record<StreamKind, number>> {
    const counts = { websocket: 0, sse: 0, body: 0 };
    for (const { kind } of this.#open) counts[kind]++;
    return counts;
  }

  #cut(stream: OpenStream, reason: string): boolean {
    this.#doubts.remove(stream);
    if (!stream.cut(reason)) return false;
    this.#options.onCut(reason);
    return true;
  }

  #keep(stream: OpenStream, admitted: Admitted): void {
    this.#index.remove(stream);
    // The exchange goes on under the record that it began with.
    stream.admitted = { ...admitted, arrived: stream.admitted.arrived };
    this.#index.add(stream, this.#tagsOf(admitted));
  }

  #indexYoung(): void {
    for (const stream of this.#young) this.#promote(stream);
  }

  #promote(stream: OpenStream): void {
    this.#young.delete(stream);
    this.#add(stream);
  }

  #add(stream: OpenStream): void {
    this.#open.add(stream);
    this.#index.add(stream, this.#tagsOf(stream.admitted));
  }

  #tagsOf({ ties }: Admitted): readonly string[] {
    return ties === undefined ? [] : this.#options.tagsOf(ties);
  }
}

/** Tells whether a notice ends everything that hangs on these ties; otherwise the request has to be decided anew. */
function isOver(notice: Notice, ties: Ties | undefined): boolean {
  switch (notice.kind) {
    case 'session-ended':
    case 'account-removed':
    case 'token-revoked':
    case 'api-key-ended':
      return true;
    case 'sessions-ended':
      // A password or an app password of the same user did not end with the sessions.
      return ties?.sessionId !== undefined;
    case 'subject-revoked':
      return ties?.issuedAtSec === undefined || ties.issuedAtSec < notice.beforeSec;
    default:
      return false;
  }
}
