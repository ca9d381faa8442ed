import type { OpenStream } from './open-stream.ts';

/** The sessions that streams may hang on. */
export interface StreamSessions {
  /** Tells whether the session lives; rejects while nobody can say. Does not count as a use of it. */
  isLive(id: string): Promise<boolean>;
  /** Notes a use, so that the session does not end for idleness. */
  touch(id: string): void;
}

/** Sessions asked for at once. */
const AT_ONCE = 64;

/**
 * Finds streams whose session ended without anybody saying so, for idleness, and keeps alive the sessions whose holder
 * sends something over a WebSocket: who works in a terminal makes no other requests. Each session is asked for once,
 * however many streams hang on it. While the state is away nothing is found.
 */
export class SessionCheck {
  readonly #sessions: StreamSessions;
  #running = false;

  constructor(sessions: StreamSessions) {
    this.#sessions = sessions;
  }

  /** @param ended - called for every stream whose session is over; does nothing while a check is under way */
  async run(open: Iterable<OpenStream>, ended: (stream: OpenStream) => void): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const groups = [...bySession(open)];
    for (let start = 0; start < groups.length; start += AT_ONCE) {
      await Promise.all(
        groups.slice(start, start + AT_ONCE).map(async ([id, streams]) => {
          // A state that is away settles nothing: the next round asks again.
          if (await this.#isOver(id, streams).catch(() => false)) streams.forEach(ended);
        }),
      );
    }
    this.#running = false;
  }

  async #isOver(id: string, streams: readonly OpenStream[]): Promise<boolean> {
    const wasUsed = streams.map((stream) => stream.wasUsed()).includes(true);
    if (!(await this.#sessions.isLive(id))) return true;
    if (wasUsed) this.#sessions.touch(id);
    return false;
  }
}

function bySession(open: Iterable<OpenStream>): ReadonlyMap<string, OpenStream[]> {
  const groups = new Map<string, OpenStream[]>();
  for (const stream of open) {
    const id = stream.admitted.ties?.sessionId;
    if (id === undefined) continue;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [stream]);
    else group.push(stream);
  }
  return groups;
}
